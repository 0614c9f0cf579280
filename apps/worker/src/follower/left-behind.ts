/** Names that were on their way when a copier ended because a move began: the final sync begins with them. */
import type { Json, SiteId } from "@cloudphoenix/core";
import type { FactStore } from "@cloudphoenix/engine";
import { z } from "zod";

/** Of whose copy in which generation they are. */
export interface LeftBehindOf {
  readonly application: string;
  readonly from: SiteId;
  readonly to: SiteId;
  readonly generation: number;
}

/** More are found by walking both listings, if there is time. */
export const LEFT_BEHIND_MAX = 10_000;

/** Replaces what was noted before. @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
export async function noteLeftBehind(
  facts: Pick<FactStore, "put">,
  of: LeftBehindOf,
  names: readonly string[],
): Promise<void> {
  await facts.put(keyOf(of), { generation: of.generation, names: [...names] });
}

/** Nothing if the note is of another generation. @throws {CloudPhoenixError} `STATE_UNAVAILABLE` */
export async function leftBehind(
  facts: Pick<FactStore, "get">,
  of: LeftBehindOf,
): Promise<readonly string[]> {
  return namesIn(await facts.get(keyOf(of)), of.generation);
}

function keyOf({ application, from, to }: LeftBehindOf): string {
  return `objects-left-behind:${application}:${from}:${to}`;
}

const noteSchema = z.object({ generation: z.number(), names: z.array(z.string()) });

function namesIn(stored: Json, generation: number): readonly string[] {
  const { success, data } = noteSchema.safeParse(stored);
  return success && data.generation === generation ? data.names : [];
}

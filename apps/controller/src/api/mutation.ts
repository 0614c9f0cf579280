/** What every changing request goes through: leadership first, then the audit log, then the work. */

import { CloudPhoenixError, hasCode, type Json } from "@cloudphoenix/core";
import type { ApiDependencies } from "./api-dependencies.ts";
import type { ControlRoom } from "./control-room.ts";

export interface Mutation {
  /** Who asks, as given in the request. */
  readonly by: string;
  /** For instance `run.approve`. */
  readonly what: string;
  readonly why: string;
  readonly detail: Readonly<Record<string, Json>>;
}

/** The control room. @throws {CloudPhoenixError} `NOT_LEADER` while this controller follows */
export function roomOf(deps: Pick<ApiDependencies, "leading">): ControlRoom {
  const room = deps.leading();
  if (room !== null) return room;
  throw new CloudPhoenixError("NOT_LEADER", "this controller follows, only the leader acts", {
    retryable: true,
    hint: "Ask again in a few seconds, or ask the other controllers.",
  });
}

/**
 * Does `work` after writing down who asked for it. If the audit log cannot be written nothing is
 * done: an unaudited change is worse than a refused one. A refusal is written down as well.
 */
export async function audited<T>(
  deps: Pick<ApiDependencies, "audit" | "clock">,
  mutation: Mutation,
  work: () => Promise<T>,
): Promise<T> {
  const append = (outcome: string): Promise<void> =>
    deps.audit.append({
      atMs: deps.clock.now(),
      who: `operator:${mutation.by}`,
      what: mutation.what,
      why: mutation.why,
      detail: { ...mutation.detail, outcome },
    });
  await append("asked");
  try {
    return await work();
  } catch (error) {
    await append(`refused: ${codeOf(error)}`);
    throw error;
  }
}

function codeOf(error: unknown): string {
  if (error instanceof CloudPhoenixError) return error.code;
  return hasCode(error, "INTERNAL") ? "INTERNAL" : "unexpected";
}

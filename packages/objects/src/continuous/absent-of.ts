import { type CopyTools, call } from "../copy-tools.ts";
import type { ObjectStore } from "../object-store.ts";

export interface AbsentOfOptions {
  readonly store: ObjectStore;
  readonly keys: readonly string[];
  readonly tools: Pick<CopyTools, "surroundings" | "retries">;
  /** Questions asked at the same time. */
  readonly inFlight: number;
}

/**
 * Which of these keys the store does not have, in the order given, asked one by one: for a few of many.
 * @throws {CloudPhoenixError} as `ObjectStore.head`
 */
export async function absentOf(
  { store, keys, tools, inFlight }: AbsentOfOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const absent = new Set<string>();
  const waiting = keys.values();
  const lane = async (): Promise<void> => {
    for (const key of waiting) {
      const facts = await call(tools, signal, (limited) => store.head(key, limited));
      if (facts === null) absent.add(key);
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, keys.length) }, lane));
  return keys.filter((key) => absent.has(key));
}

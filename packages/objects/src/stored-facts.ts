import { hasCode } from "@cloudphoenix/core";
import { type CopyTools, call } from "./copy-tools.ts";
import type { ObjectFacts, ObjectStore } from "./object-store.ts";

/**
 * What is stored under the key now; null for nothing, and for a key that the store cannot hold.
 * @throws {CloudPhoenixError} as `ObjectStore.head`
 */
export async function storedFacts(
  key: string,
  {
    store,
    tools,
  }: {
    readonly store: Pick<ObjectStore, "head">;
    readonly tools: Pick<CopyTools, "surroundings" | "retries">;
  },
  signal: AbortSignal,
): Promise<ObjectFacts | null> {
  try {
    return await call(tools, signal, (limited) => store.head(key, limited));
  } catch (error) {
    if (hasCode(error, "OBJECT_NAME_REFUSED")) return null;
    throw error;
  }
}

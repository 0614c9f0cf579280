/**
 * What one place holds and another one lacks, or has otherwise, object by object. Changes nothing.
 *
 * 1. What proves to a copy that there is nothing to do proves it here (`compareVersions`), and so do equal
 *    MD5s. No body is read: an object of which nothing is proven counts as another one.
 * 2. The other place may be in use: a name that its listing lacks is asked for once more.
 * 3. Only a walk that ends has seen everything.
 */
import { lookCloser } from "./copy-object.ts";
import type { CopyTools } from "./copy-tools.ts";
import { mergeListings, type Pair } from "./merge-listings.ts";
import type { ObjectPlace } from "./object-place.ts";
import type { ObjectEntry } from "./object-store.ts";
import { storedFacts } from "./stored-facts.ts";

/** One object that is not at the other place as it is here. */
export interface DivergentEntry {
  /** Without the prefix of the place. */
  readonly name: string;
  readonly here: ObjectEntry;
  /** Null: the other place has nothing of this name. */
  readonly there: ObjectEntry | null;
}

export interface DivergentEntries {
  /** Names compared for it; those that only the other place has are none. */
  readonly looked: number;
  /** In the order of names. */
  readonly found: readonly DivergentEntry[];
}

export interface DivergentObjectsRequest {
  readonly here: ObjectPlace;
  readonly there: ObjectPlace;
  readonly tools: Pick<CopyTools, "surroundings" | "retries">;
}

/** Questions by name at the same time. */
const IN_FLIGHT = 32;

/**
 * Walks both listings to their end, page by page in constant memory.
 * @throws {CloudPhoenixError} as `mergeListings` and `ObjectStore.head`
 */
export async function* divergentObjects(
  request: DivergentObjectsRequest,
  signal: AbortSignal,
): AsyncGenerator<DivergentEntries, void, undefined> {
  const { here, there, tools } = request;
  for await (const pairs of mergeListings(here, there, { ...tools, signal })) {
    const held = pairs.filter((pair) => pair.kind !== "onlyAtTarget");
    yield { looked: held.length, found: await divergentOf(held, request, signal) };
  }
}

/** Those of the pairs that differ when they are looked at closer, in the same order. */
async function divergentOf(
  pairs: readonly Pair[],
  request: DivergentObjectsRequest,
  signal: AbortSignal,
): Promise<readonly DivergentEntry[]> {
  const found = new Map<string, DivergentEntry>();
  const suspects = pairs.filter(({ kind }) => kind !== "same");
  const waiting = suspects.values();
  const lane = async (): Promise<void> => {
    for (const pair of waiting) {
      const entry = await divergent(pair, request, signal);
      if (entry !== null) found.set(pair.name, entry);
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, suspects.length) }, lane));
  return suspects.flatMap(({ name }) => found.get(name) ?? []);
}

async function divergent(
  { name, source: here, target }: Pair,
  { here: { store: source }, there: other, tools }: DivergentObjectsRequest,
  signal: AbortSignal,
): Promise<DivergentEntry | null> {
  if (here === null) return null;
  const targetKey = other.prefix + name;
  const there = target ?? (await storedFacts(targetKey, { store: other.store, tools }, signal));
  if (there === null) return { name, here, there };
  const closer = await lookCloser(
    { source: here, targetKey, target: there },
    { ...tools, source, target: other.store },
    signal,
  );
  if (closer === "same" || hasSameBytes(closer.source, closer.target)) return null;
  return { name, here, there };
}

/** Equal hashes prove it, whoever wrote the two and whatever the stamps on them say. */
function hasSameBytes(here: ObjectEntry, there: ObjectEntry | null): boolean {
  return here.md5 !== null && here.md5 === there?.md5 && here.sizeBytes === there.sizeBytes;
}

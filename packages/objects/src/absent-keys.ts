/**
 * Which of many keys a store lacks: two ascending streams walked side by side, in constant memory,
 * and what seems to be missing is asked for again.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import { compareKeys, EVERY_KEY } from "./compare-keys.ts";
import type { CopyTools } from "./copy-tools.ts";
import { Listing } from "./listing.ts";
import type { ObjectStore } from "./object-store.ts";
import { storedFacts } from "./stored-facts.ts";

/** What was found. */
export interface AbsentKeys {
  /** Keys looked at. */
  readonly looked: number;
  readonly absent: number;
  /** The first of them, in order; at most `keep`. */
  readonly first: readonly string[];
}

export interface AbsentKeysRequest {
  /** Ascending by their bytes, each once. */
  readonly keys: AsyncIterable<readonly string[]>;
  readonly store: ObjectStore;
  /** All keys begin with it. */
  readonly prefix: string;
  /** How many absent keys are kept by name. */
  readonly keep: number;
  /** Ends the walk early; what was looked at by then is the answer. */
  readonly until?: AbortSignal;
  readonly tools: Pick<CopyTools, "surroundings" | "retries">;
}

/** Keys that are asked for again together. */
const SUSPECTS_MAX = 1_000;
/** Questions at the same time. */
const IN_FLIGHT = 32;

/**
 * Walks `keys` to their end; the listing only as far as that takes. Exact while the store is written,
 * as long as an object is stored before its key appears: a page of the listing may be older than the
 * keys it is compared with, so every key it lacks is asked for once more before it counts as absent.
 * @throws {CloudPhoenixError} `LISTING_BROKEN` if a stream is out of order, and what `keys` and the
 * store throw
 */
export async function absentKeys(
  request: AbsentKeysRequest,
  signal: AbortSignal,
): Promise<AbsentKeys> {
  const { keys, store, prefix, keep, until, tools } = request;
  const limited = until === undefined ? signal : AbortSignal.any([signal, until]);
  const listing = new Listing({ store, prefix }, { range: EVERY_KEY, ...tools, signal: limited });
  const stored = keysOf(listing);
  let looked = 0;
  let absent = 0;
  let suspects: string[] = [];
  const first: string[] = [];
  const askAgain = async (): Promise<void> => {
    const gone = await absentOf(suspects, request, limited);
    absent += gone.length;
    first.push(...gone.slice(0, keep - first.length));
    suspects = [];
  };
  try {
    let at = await stored.next();
    for await (const key of ascending(keys)) {
      while (at.done !== true && compareKeys(at.value, key) < 0) at = await stored.next();
      looked += 1;
      if (at.done === true || at.value !== key) suspects.push(key);
      if (suspects.length >= SUSPECTS_MAX) await askAgain();
    }
    await askAgain();
  } catch (error) {
    if (signal.aborted || until?.aborted !== true) throw error;
    looked -= suspects.length;
  } finally {
    await listing.close();
  }
  return { looked, absent, first };
}

/** Those of `keys` that the store does not have, in the same order. */
async function absentOf(
  keys: readonly string[],
  { store, tools }: Pick<AbsentKeysRequest, "store" | "tools">,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const absent = new Set<string>();
  const waiting = keys.values();
  const lane = async (): Promise<void> => {
    for (const key of waiting) {
      if ((await storedFacts(key, { store, tools }, signal)) === null) absent.add(key);
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, keys.length) }, lane));
  return keys.filter((key) => absent.has(key));
}

/** The keys of a listing, one by one. */
async function* keysOf(listing: Listing): AsyncGenerator<string, undefined> {
  for (let page = await listing.next(); page !== null; page = await listing.next()) {
    for (const { key } of page) yield key;
  }
  return undefined;
}

/** The keys of pages, one by one; each must come after the one before. */
async function* ascending(
  pages: AsyncIterable<readonly string[]>,
): AsyncGenerator<string, undefined> {
  let last: string | null = null;
  for await (const keys of pages) {
    for (const key of keys) {
      if (last !== null && compareKeys(last, key) >= 0) {
        throw new CloudPhoenixError("LISTING_BROKEN", "the list of keys is out of order", {
          retryable: true,
          hint: "Try again; if it stays, the store does not list in the order of bytes.",
        });
      }
      last = key;
      yield key;
    }
  }
  return undefined;
}

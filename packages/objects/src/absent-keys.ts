/**
 * Which of many keys a store lacks: two ascending streams walked side by side, in constant memory.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import { compareKeys } from "./compare-keys.ts";
import type { ObjectEntry } from "./object-store.ts";

/** What was found so far; the callback of `absentKeys` gets it after every page of keys. */
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
  /** A complete listing from the same start. */
  readonly listing: AsyncIterable<readonly ObjectEntry[]>;
  /** How many absent keys are kept by name. */
  readonly keep: number;
  readonly onPage?: (found: AbsentKeys) => void;
}

/**
 * Walks `keys` to their end; the listing only as far as that takes.
 * @throws {CloudPhoenixError} `LISTING_BROKEN` if a stream is out of order, and what the streams throw
 */
export async function absentKeys({
  keys,
  listing,
  keep,
  onPage,
}: AbsentKeysRequest): Promise<AbsentKeys> {
  const stored = ascending(listing, ({ key }) => key, "the listing")[Symbol.asyncIterator]();
  let found: AbsentKeys = { looked: 0, absent: 0, first: [] };
  let at = await stored.next();
  let page = 0;
  try {
    for await (const key of ascending(
      keys,
      (one) => one,
      "the list of keys",
      () => (page += 1),
    )) {
      while (at.done !== true && compareKeys(at.value, key) < 0) at = await stored.next();
      const isThere = at.done !== true && at.value === key;
      found = {
        looked: found.looked + 1,
        absent: found.absent + (isThere ? 0 : 1),
        first: isThere || found.first.length >= keep ? found.first : [...found.first, key],
      };
      if (page > 0) {
        page = 0;
        onPage?.(found);
      }
    }
    return found;
  } finally {
    await stored.return?.(undefined);
  }
}

/** The keys of pages, one by one; each must come after the one before. */
async function* ascending<T>(
  pages: AsyncIterable<readonly T[]>,
  keyOf: (item: T) => string,
  what: string,
  onPage: () => void = () => undefined,
): AsyncGenerator<string, undefined> {
  let last: string | null = null;
  for await (const items of pages) {
    onPage();
    for (const item of items) {
      const key = keyOf(item);
      if (last !== null && compareKeys(last, key) >= 0) {
        throw new CloudPhoenixError("LISTING_BROKEN", `${what} is out of order`, {
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

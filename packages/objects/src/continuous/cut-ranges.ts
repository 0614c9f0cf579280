import { EVERY_KEY, type KeyRange } from "../compare-keys.ts";
import { Listing } from "../listing.ts";
import type { ObjectPlace } from "../object-place.ts";
import { DEFAULT_RETRIES } from "../retries.ts";
import type { Surroundings } from "../surroundings.ts";

/** About a minute of work each: little is repeated when a worker dies, and few tasks are needed. */
export const RANGE_OBJECTS = 5_000;
export const RANGE_BYTES: number = 2 * 1024 ** 3;

export interface CutOptions {
  readonly surroundings: Surroundings;
  readonly signal: AbortSignal;
  /** Most objects of a range, as the listing shows them now. */
  readonly objects: number;
  /** A range ends with the object that reaches this. */
  readonly bytes: number;
}

/**
 * Cuts the names of `place` into ranges that together are all names there can be, in order, as the
 * listing comes: work on the first can begin before the last is known.
 * @throws {CloudPhoenixError} as `mergeListings`
 */
export async function* cutRanges(
  place: ObjectPlace,
  { surroundings, signal, objects: objectsMax, bytes: bytesMax }: CutOptions,
): AsyncGenerator<KeyRange, void, undefined> {
  const options = { range: EVERY_KEY, retries: DEFAULT_RETRIES, surroundings, signal };
  const listing = new Listing(place, options);
  let begin: KeyRange = {};
  let objects = 0;
  let bytes = 0;
  try {
    for (let page = await listing.next(); page !== null; page = await listing.next()) {
      for (const { key, sizeBytes } of page) {
        objects += 1;
        bytes += sizeBytes;
        if (objects < objectsMax && bytes < bytesMax) continue;
        const upTo = key.slice(place.prefix.length);
        yield { ...begin, upTo };
        begin = { after: upTo };
        objects = 0;
        bytes = 0;
      }
    }
    // Open at its end: what is stored from now on belongs to somebody, too.
    yield begin;
  } finally {
    await listing.close();
  }
}

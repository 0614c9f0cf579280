/**
 * Two sorted listings, walked side by side in constant memory.
 *
 * Owns: pairing names and telling what each pair is. Does not own: what to do about it.
 * 1. Every name of the range that takes part (`takesPart`) comes exactly once, in ascending order.
 * 2. Only the merge that *returns* has seen both sides completely. Until then a name that is missing
 *    on one side may be somewhere in the part of a listing that never came: whoever deletes, or
 *    concludes anything from what is missing, waits for the end. A merge that throws concludes nothing.
 * 3. At most two pages per side and one batch are held.
 */
import { compareKeys, EVERY_KEY, type KeyRange } from "./compare-keys.ts";
import { compareVersions, type Likeness, sideOf } from "./compare-versions.ts";
import { Listing } from "./listing.ts";
import type { ObjectPlace } from "./object-place.ts";
import type { ObjectEntry } from "./object-store.ts";
import { CANARY_NAME, takesPart } from "./own-names.ts";
import { DEFAULT_RETRIES, type RetryPolicy } from "./retries.ts";
import type { Surroundings } from "./surroundings.ts";

/** One name and what the two sides have under it. */
export type Pair =
  | {
      /** `unsure`: the listings cannot tell; the stamp that `head` shows can, and `copyObject` asks. */
      readonly kind: Likeness;
      readonly name: string;
      readonly source: ObjectEntry;
      readonly target: ObjectEntry;
    }
  | {
      readonly kind: "onlyAtSource";
      readonly name: string;
      readonly source: ObjectEntry;
      readonly target: null;
    }
  | {
      /** Not yet a reason to delete: see 2. */
      readonly kind: "onlyAtTarget";
      readonly name: string;
      readonly source: null;
      readonly target: ObjectEntry;
    };

export interface MergeOptions {
  readonly surroundings: Surroundings;
  readonly signal: AbortSignal;
  /** In names. Default: everything. */
  readonly range?: KeyRange;
  readonly retries?: RetryPolicy;
  /** The canary of the place comes, too: for who brings it over. Default: no. */
  readonly withCanary?: boolean;
  /** Names it answers false for are left out on both sides. Default: all are in. */
  readonly includes?: (name: string) => boolean;
}

/**
 * The pairs of both places in batches of at most a page.
 * @throws {CloudPhoenixError} `LISTING_BROKEN` (failed after retries, out of order, twice, or outside what was
 * asked for), `OBJECT_STORE_DENIED`, `NOT_FOUND` (a bucket), `ABORTED`
 */
export async function* mergeListings(
  source: ObjectPlace,
  target: ObjectPlace,
  options: MergeOptions,
): AsyncGenerator<readonly Pair[], void, undefined> {
  const { range = EVERY_KEY, retries = DEFAULT_RETRIES, surroundings, signal } = options;
  const listing = { range, retries, surroundings, signal };
  const sourceListing = new Listing(source, listing);
  const targetListing = new Listing(target, listing);
  try {
    yield* pairs(new Side(source, sourceListing), new Side(target, targetListing), options);
  } finally {
    await Promise.all([sourceListing.close(), targetListing.close()]);
  }
}

async function* pairs(
  source: Side,
  target: Side,
  { includes, withCanary = false }: MergeOptions,
): AsyncGenerator<readonly Pair[], void, undefined> {
  const isIn = (name: string): boolean =>
    (takesPart(name) && (includes?.(name) ?? true)) || (withCanary && name === CANARY_NAME);
  // Both first pages are on their way at once.
  await Promise.all([source.fill(), target.fill()]);
  for (;;) {
    const batch: Pair[] = [];
    while (source.ready && target.ready) {
      const pair = nextPair(source, target);
      if (pair === null) break;
      if (isIn(pair.name)) batch.push(pair);
    }
    if (batch.length > 0) yield batch;
    if (source.done && target.done) return;
    await source.fill();
    await target.fill();
  }
}

/** Takes the next name off the side or sides that have it. Null if both are at their end. */
function nextPair(source: Side, target: Side): Pair | null {
  const left = source.entry;
  const right = target.entry;
  if (left === null && right === null) return null;
  const order = compareHeads(source, target);
  if (order < 0 && left !== null) {
    return { kind: "onlyAtSource", name: source.take(), source: left, target: null };
  }
  if (order > 0 && right !== null) {
    return { kind: "onlyAtTarget", name: target.take(), source: null, target: right };
  }
  if (left === null || right === null) return null;
  const kind = compareVersions(source.asListed(left), target.asListed(right));
  target.take();
  return { kind, name: source.take(), source: left, target: right };
}

function compareHeads(source: Side, target: Side): number {
  if (source.name === null) return 1;
  if (target.name === null) return -1;
  return compareKeys(source.name, target.name);
}

/** Where the walk is in one listing. */
class Side {
  readonly #place: ObjectPlace;
  readonly #listing: Listing;
  #page: readonly ObjectEntry[] = [];
  #at = 0;
  #complete = false;
  /** The next entry of the page in hand, and its name. */
  entry: ObjectEntry | null = null;
  name: string | null = null;

  constructor(place: ObjectPlace, listing: Listing) {
    this.#place = place;
    this.#listing = listing;
  }

  /** There is an entry, or it is certain that there will be none. */
  get ready(): boolean {
    return this.entry !== null || this.#complete;
  }

  get done(): boolean {
    return this.entry === null && this.#complete;
  }

  asListed(entry: ObjectEntry): ReturnType<typeof sideOf> {
    return sideOf(this.#place.store, entry);
  }

  /** Gets the next page if this one is used up. */
  async fill(): Promise<void> {
    if (this.ready) return;
    const page = await this.#listing.next();
    this.#page = page ?? [];
    this.#at = 0;
    this.#complete = page === null;
    this.#look();
  }

  /** Goes on to the next entry; answers with the name that was left behind. */
  take(): string {
    const name = this.name ?? "";
    this.#at += 1;
    this.#look();
    return name;
  }

  #look(): void {
    this.entry = this.#page[this.#at] ?? null;
    this.name = this.entry?.key.slice(this.#place.prefix.length) ?? null;
  }
}

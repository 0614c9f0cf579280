/**
 * Brings one range of names over, once: the unit of work that is shared among workers.
 *
 * 1. It goes through the range in order. `doneUpTo` is a name with nothing undone at or before it:
 *    whoever takes the work over begins there, and what was copied beyond is found in place.
 * 2. One object that fails does not stop the others; what can be tried again fails the range at its end.
 * 3. Nothing is deleted, and nothing is replaced but what `KeyMover` may replace.
 */
import type { KeyRange } from "../compare-keys.ts";
import { mergeListings, type Pair } from "../merge-listings.ts";
import {
  type BroughtCounts,
  NameBringer,
  type NameBringerOptions,
  type PassingFailures,
} from "./name-bringer.ts";

export interface BringRangeOptions extends NameBringerOptions {
  readonly range: KeyRange;
  /** Told after every batch. */
  readonly onProgress?: (progress: RangeProgress) => void;
}

/** Counts are of this attempt. Plain JSON. */
export interface RangeProgress extends BroughtCounts {
  /** Names compared; `differing` are those that differed, as far as listings told. */
  readonly looked: number;
  readonly doneUpTo: string | null;
}

/**
 * The range, complete; `onProgress` always has the newest counts, also if this throws.
 * @throws {CloudPhoenixError} as `mergeListings` and `authority`; the first error of an object that may
 * be tried again, after all others were tried
 */
export async function bringRange(
  options: BringRangeOptions,
  signal: AbortSignal,
): Promise<RangeProgress> {
  const { passing, ...progress } = await walkRange(options, signal);
  if (passing.first !== null) throw passing.first;
  return progress;
}

/**
 * As `bringRange`, for who does not try again: says what could not be copied for now.
 * @throws {CloudPhoenixError} as `mergeListings` and `authority`
 */
export async function walkRange(
  options: BringRangeOptions,
  signal: AbortSignal,
): Promise<RangeProgress & { readonly passing: PassingFailures }> {
  const { source, target, tools, range, onProgress } = options;
  const bringer = new NameBringer(options);
  let looked = 0;
  let doneUpTo = range.after ?? null;
  const progress = (): RangeProgress => ({ looked, ...bringer.counts, doneUpTo });
  const { surroundings, retries } = tools;
  for await (const pairs of mergeListings(source, target, {
    surroundings,
    retries,
    range,
    signal,
  })) {
    looked += pairs.length;
    const wanted = pairs.filter(isWanted);
    await bringer.bring(
      wanted.map(({ name, target: there }) => ({ name, atTarget: there !== null })),
      signal,
    );
    if (bringer.passing.first === null) doneUpTo = pairs.at(-1)?.name ?? doneUpTo;
    onProgress?.(progress());
  }
  return { ...progress(), passing: bringer.passing };
}

function isWanted({ kind }: Pair): boolean {
  return kind !== "same" && kind !== "onlyAtTarget";
}

/**
 * Instants by the clock of the source's store, on our own clock: a store that is ahead of us must not
 * make a change look newer than the comparison that found it.
 */
import type { ObjectPlace } from "../object-place.ts";
import { readCanary } from "./canary.ts";

/** How far the clock of a store is ahead of the clock that dated its canary; null if it has none of `site`. */
export async function storeAheadMs(
  place: ObjectPlace,
  site: string,
  signal: AbortSignal,
): Promise<number | null> {
  const canary = await readCanary(place, signal);
  return canary?.site === site ? canary.storedMs - canary.writtenMs : null;
}

/** Stores tell times in whole seconds. */
export const STORE_TIME_MARGIN_MS: number = 2_000;

/** Measured again after this; clocks drift slowly. */
const MEASURE_EVERY_MS = 60_000;

export class SourceTime {
  readonly #measure: (signal: AbortSignal) => Promise<number | null>;
  #aheadMs = 0;
  #measuredMs = -Infinity;

  constructor(source: ObjectPlace, site: string) {
    this.#measure = (signal) => storeAheadMs(source, site, signal);
  }

  /** Asks the store, if it is time. @throws {CloudPhoenixError} as `ObjectStore.head` */
  async keep(nowMs: number, signal: AbortSignal): Promise<void> {
    if (nowMs - this.#measuredMs < MEASURE_EVERY_MS) return;
    this.#aheadMs = (await this.#measure(signal)) ?? this.#aheadMs;
    this.#measuredMs = nowMs;
  }

  /** `storeMs` on our clock; never in the future. */
  onOurClock(storeMs: number, nowMs: number): number {
    return Math.min(storeMs - this.#aheadMs, nowMs);
  }
}

/**
 * Instants by the clock of the source's store, on our own clock: a store that is ahead of us must not
 * make a change look newer than the comparison that found it.
 */
import type { ObjectPlace } from "../object-place.ts";
import { readCanary } from "./canary.ts";

/**
 * How far the clock of a store is ahead of the clock that dated its canary, and never more; null if that is not known. A
 * canary that was long on its way tells too much: what was stored before the site was lost would seem older.
 */
export async function storeAheadMs(
  place: ObjectPlace,
  site: string,
  signal: AbortSignal,
): Promise<number | null> {
  const canary = await readCanary(place, signal);
  if (canary?.site !== site) return null;
  const { storedMs, writtenMs, aheadMs = Infinity } = canary;
  return aheadMs === null ? null : Math.min(storedMs - writtenMs, aheadMs);
}

/** Stores tell times in whole seconds. */
export const STORE_TIME_MARGIN_MS: number = 2_000;

/** Measured again after this; clocks drift slowly. */
const MEASURE_EVERY_MS = 60_000;

/** A canary that was written so fast tells the clock of the store well enough for `STORE_TIME_MARGIN_MS`. */
const PROMPT_MS = STORE_TIME_MARGIN_MS / 2;

export class SourceTime {
  readonly #source: ObjectPlace;
  #aheadMs = 0;
  #measuredMs = -Infinity;
  #promptAheadMs: number | null = null;

  constructor(source: ObjectPlace) {
    this.#source = source;
  }

  /** As the newest canary told that was written promptly; null if none was. */
  get promptAheadMs(): number | null {
    return this.#promptAheadMs;
  }

  /**
   * Asks the store, if it is time, about the canary that was written from `writtenMs` to `nowMs`.
   * @throws {CloudPhoenixError} as `ObjectStore.head`
   */
  async keep(writtenMs: number, nowMs: number, signal: AbortSignal): Promise<void> {
    const isPrompt = nowMs - writtenMs <= PROMPT_MS;
    const isWanted = isPrompt && this.#promptAheadMs === null;
    if (nowMs - this.#measuredMs < MEASURE_EVERY_MS && !isWanted) return;
    const canary = await readCanary(this.#source, signal);
    this.#measuredMs = nowMs;
    if (canary?.writtenMs !== writtenMs) return;
    this.#aheadMs = canary.storedMs - writtenMs;
    if (isPrompt) this.#promptAheadMs = this.#aheadMs;
  }

  /** `storeMs` on our clock; never in the future. */
  onOurClock(storeMs: number, nowMs: number): number {
    return Math.min(storeMs - this.#aheadMs, nowMs);
  }
}

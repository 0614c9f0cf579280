/** Whether a vantage can see at all, from its canaries. No clock: times are wheel time. */

/** A canary that answered in one of the last two intervals still counts. */
const INTERVALS = 2;

export class SightKeeper {
  readonly #intervalMs: number;
  #startedAtMs: number | null = null;
  #answeredAtMs: number | null = null;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Takes the result of one canary; `askedAtMs` is when it was asked. */
  heard(askedAtMs: number, answered: boolean): void {
    this.#startedAtMs ??= askedAtMs;
    if (answered) this.#answeredAtMs = Math.max(askedAtMs, this.#answeredAtMs ?? askedAtMs);
  }

  /**
   * Whether the vantage sees now. Null until that is known: a vantage that has only just begun to
   * ask is neither seeing nor blind.
   */
  sees(nowMs: number): boolean | null {
    const sinceMs = nowMs - INTERVALS * this.#intervalMs;
    if (this.#answeredAtMs !== null && this.#answeredAtMs >= sinceMs) return true;
    if (this.#startedAtMs === null || this.#startedAtMs > sinceMs) return null;
    return false;
  }
}

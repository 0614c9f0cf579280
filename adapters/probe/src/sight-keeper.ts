/**
 * Whether a vantage can see at all, from its canaries. No clock: times are wheel time.
 *
 * A silent canary alone may be the canary's own trouble, so blindness takes two intervals. A probe
 * that fails at the same time is a second witness, and then one silent round of all canaries is enough:
 * blindness must be known before the failures it causes are believed.
 */

/** A canary that answered in one of the last two intervals still counts. */
const INTERVALS = 2;

export class SightKeeper {
  readonly #intervalMs: number;
  /** Canaries that have had no answer since the suspicion arose. */
  readonly #silent: boolean[];
  #startedAtMs: number | null = null;
  #answeredAtMs: number | null = null;
  /** A probe has failed since the newest answer of a canary. */
  #isSuspected = false;

  constructor(intervalMs: number, canaries: number) {
    this.#intervalMs = intervalMs;
    this.#silent = Array.from({ length: canaries }, () => false);
  }

  /** Takes the result of one canary; `askedAtMs` is when it was asked. */
  heard(canary: number, askedAtMs: number, answered: boolean): void {
    this.#startedAtMs ??= askedAtMs;
    this.#silent[canary] = !answered;
    if (!answered) return;
    this.#answeredAtMs = Math.max(askedAtMs, this.#answeredAtMs ?? askedAtMs);
    this.#isSuspected = false;
  }

  /** A probe of this vantage reached nobody. What canaries said before does not count for it. */
  suspect(): void {
    if (this.#isSuspected) return;
    this.#isSuspected = true;
    this.#silent.fill(false);
  }

  /**
   * Whether the vantage sees now. Null until that is known: a vantage that has only just begun to
   * ask is neither seeing nor blind.
   */
  sees(nowMs: number): boolean | null {
    if (this.#isSuspected && this.#silent.every((silent) => silent)) return false;
    const sinceMs = nowMs - INTERVALS * this.#intervalMs;
    if (this.#answeredAtMs !== null && this.#answeredAtMs >= sinceMs) return true;
    if (this.#startedAtMs === null || this.#startedAtMs > sinceMs) return null;
    return false;
  }
}

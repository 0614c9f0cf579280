/**
 * How far the copy is behind, said without ever claiming more than is known.
 *
 * Two sources of knowledge, and what each is worth:
 * 1. A complete reconciliation that began at T has noted every object stored until T that differs.
 *    Once all it noted is settled, everything until T is copied: the mark. It never falls.
 * 2. Hints tell of a change within seconds, but may be lost without a trace. While they come (the
 *    canary makes sure there is one every few seconds), the newest of them is taken for the instant
 *    up to which all have come. Silence does not take that back, but what comes after it counts only
 *    once a reconciliation that began after they came back has been through.
 *
 * What an earlier process told stays true, but never more than that: its age is taken up where it was,
 * and what is known to be pending now counts even if it is older.
 */

/** Silence of the hints after which some may have been lost; several canaries long. */
export const HINT_SILENCE_MS: number = 15_000;

export interface Backlog {
  /** Age of the oldest change that may not be copied: the object RPO. Null if nothing is known. */
  readonly ageMs: number | null;
  /** Everything stored until then is known to be copied; null before the first reconciliation. */
  readonly markMs: number | null;
}

/** What an earlier process knew, on our clock. */
export interface EarlierBacklog {
  readonly markMs: number | null;
  /** The instant its age was counted from; null is unknown. Says nothing of the mark. */
  readonly copiedUntilMs: number | null;
}

export class BacklogGauge {
  readonly #earlierUntilMs: number;
  #markMs: number | null;
  /** When the newest complete reconciliation began. */
  #reconciledFromMs: number | null;
  /** The newest change that was hinted at while hints were trusted. */
  #hintedUntilMs: number | null = null;
  #newestHintMs = -Infinity;
  #heardMs = -Infinity;
  /** Since when hints have come without a silence. */
  #flowingSinceMs = -Infinity;

  constructor(earlier: EarlierBacklog | null) {
    this.#markMs = earlier?.markMs ?? null;
    this.#reconciledFromMs = this.#markMs;
    this.#earlierUntilMs = earlier?.copiedUntilMs ?? -Infinity;
  }

  /** A hint arrived at `nowMs` about a change at `changedMs`. */
  heard(changedMs: number, nowMs: number): void {
    if (!this.#flows(nowMs)) this.#flowingSinceMs = nowMs;
    this.#heardMs = nowMs;
    // A time from the future is the skew of a clock.
    this.#newestHintMs = Math.max(this.#newestHintMs, Math.min(changedMs, nowMs));
    this.#credit();
  }

  /** A complete reconciliation that began at `beganMs` has noted everything it found. */
  reconciled(beganMs: number): void {
    this.#reconciledFromMs = Math.max(this.#reconciledFromMs ?? -Infinity, beganMs);
    this.#credit();
  }

  /** Whether hints came back from a silence, so that a reconciliation is worth more than usual. */
  reconciliationWanted(nowMs: number): boolean {
    return this.#flows(nowMs) && !this.#trusted;
  }

  /** @param oldestPendingMs - the oldest change known not to be copied, null if there is none */
  at(nowMs: number, oldestPendingMs: number | null): Backlog {
    const fromMs = this.#reconciledFromMs;
    if (fromMs === null) return { ageMs: null, markMs: null };
    const oldestMs = oldestPendingMs ?? Infinity;
    this.#markMs = Math.max(this.#markMs ?? -Infinity, Math.min(fromMs, oldestMs));
    const knownMs = Math.max(fromMs, this.#hintedUntilMs ?? -Infinity, this.#earlierUntilMs);
    const copiedMs = Math.max(this.#markMs, Math.min(knownMs, oldestMs));
    return { ageMs: Math.max(0, nowMs - copiedMs), markMs: this.#markMs };
  }

  get #trusted(): boolean {
    return this.#reconciledFromMs !== null && this.#reconciledFromMs >= this.#flowingSinceMs;
  }

  #flows(nowMs: number): boolean {
    return nowMs - this.#heardMs <= HINT_SILENCE_MS;
  }

  #credit(): void {
    if (this.#trusted) this.#hintedUntilMs = this.#newestHintMs;
  }
}

/**
 * Which hints tell nothing that a comparison does not tell: a queue that nobody drained while its site
 * was the standby holds one for every copy we made there, for up to two weeks.
 */

/** Events come late, and clocks differ. */
const MARGIN_MS = 5 * 60_000;

export class StaleHints {
  #beforeMs: number;

  /**
   * What was stored before `startedMs` is told by the first comparison, which begins later. Until that is
   * complete, changes since `earlierMarkMs` are still worth their hints, which come sooner.
   * @param earlierMarkMs - until then an earlier process had copied everything; null is unknown
   */
  constructor(startedMs: number, earlierMarkMs: number | null) {
    this.#beforeMs = Math.min(startedMs, earlierMarkMs ?? Infinity) - MARGIN_MS;
  }

  /** One that began at `beganMs` is complete. */
  compared(beganMs: number): void {
    this.#beforeMs = Math.max(this.#beforeMs, beganMs - MARGIN_MS);
  }

  isStale(changedMs: number): boolean {
    return changedMs < this.#beforeMs;
  }
}

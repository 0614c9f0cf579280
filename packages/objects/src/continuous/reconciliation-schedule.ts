/** When both stores are compared again: as often as it is worth its cost. */

export interface ScheduleLimits {
  /** Never sooner after the end of the last one. */
  readonly minMs: number;
  /** Never later than this after the beginning of the last one. */
  readonly maxMs: number;
}

/** A comparison may take this share of the time. */
const SHARE = 0.1;
/** A comparison that failed is tried again after this, doubled for every failure in a row. */
const AGAIN_MS = 5_000;

export class ReconciliationSchedule {
  readonly #limits: ScheduleLimits;
  #dueMs = -Infinity;
  #wantedDueMs = -Infinity;
  #failures = 0;

  constructor(limits: ScheduleLimits) {
    this.#limits = limits;
  }

  /** `wanted`: it should not wait for its turn, for instance because hints were lost. */
  isDue(nowMs: number, wanted: boolean): boolean {
    return nowMs >= (wanted ? this.#wantedDueMs : this.#dueMs);
  }

  completed(beganMs: number, nowMs: number): void {
    const { minMs, maxMs } = this.#limits;
    const tookMs = nowMs - beganMs;
    this.#failures = 0;
    const pauseMs = Math.min(tookMs * (1 / SHARE - 1), maxMs - tookMs);
    this.#wantedDueMs = nowMs + Math.min(minMs, pauseMs);
    this.#dueMs = nowMs + Math.max(minMs, pauseMs);
  }

  failed(nowMs: number): void {
    const waitMs = Math.min(AGAIN_MS * 2 ** this.#failures, this.#limits.minMs);
    this.#failures += 1;
    this.#dueMs = nowMs + waitMs;
    this.#wantedDueMs = this.#dueMs;
  }
}

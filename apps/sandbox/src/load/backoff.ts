/** When a failed write may be tried again: jittered, growing, and within a budget shared by all. */
import type { Random } from "@cloudphoenix/engine";

const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 500;

/** A pause before the attempt after `failures` failed ones, between 50 and 500 ms. */
export function pauseMs(failures: number, random: Random): number {
  const upperMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(failures, 10));
  return PAUSE_MIN_MS + random.next() * (upperMs - PAUSE_MIN_MS);
}

/** Lets through so many retries per second, and no burst longer than a tenth of a second's worth. */
export class RetryBudget {
  readonly #perMs: number;
  readonly #burst: number;
  #available: number;
  #countedAtMs = performance.now();

  constructor(retriesPerSecond: number) {
    this.#perMs = retriesPerSecond / 1000;
    this.#burst = Math.max(1, retriesPerSecond / 10);
    this.#available = this.#burst;
  }

  /** Takes one retry from the budget; false if there is none now. */
  take(): boolean {
    const nowMs = performance.now();
    const earned = (nowMs - this.#countedAtMs) * this.#perMs;
    this.#countedAtMs = nowMs;
    this.#available = Math.min(this.#burst, this.#available + earned);
    if (this.#available < 1) return false;
    this.#available -= 1;
    return true;
  }
}

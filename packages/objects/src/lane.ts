/**
 * Work of one kind, so much of it at once as the stores bear: one more after every round of
 * successes, half as much when a store asks for patience (additive increase, multiplicative decrease).
 */
import type { Surroundings } from "./surroundings.ts";

export interface LaneOptions {
  /** At most so much at once. */
  readonly most: number;
  /** How much may wait in the lane before `add` makes its caller wait. */
  readonly waitingMost: number;
  readonly clock: Surroundings["clock"];
}

/** Requests that were under way together fail together; only the first of them halves. */
const ONE_SLOWDOWN_PER_MS = 1_000;

export class Lane {
  readonly #options: LaneOptions;
  #limit: number;
  #running = 0;
  #waiting: (() => Promise<void>)[] = [];
  #slowedAtMs = Number.NEGATIVE_INFINITY;
  #changed = Promise.withResolvers<void>();

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#limit = options.most;
  }

  /** How much is allowed at once now. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Takes work, which must not reject; resolves as soon as there is room for more. */
  async add(work: () => Promise<void>): Promise<void> {
    this.#waiting.push(work);
    this.#start();
    while (this.#waiting.length > this.#options.waitingMost) await this.#changed.promise;
  }

  /** Drops what has not started. */
  clear(): void {
    this.#waiting = [];
    this.#notify();
  }

  /** Resolves when nothing waits and nothing runs. */
  async drained(): Promise<void> {
    while (this.#running > 0 || this.#waiting.length > 0) await this.#changed.promise;
  }

  /** A store asked for patience. */
  slowDown(): void {
    const nowMs = this.#options.clock.now();
    if (nowMs - this.#slowedAtMs < ONE_SLOWDOWN_PER_MS) return;
    this.#slowedAtMs = nowMs;
    this.#limit = Math.max(1, this.#limit / 2);
  }

  #start(): void {
    while (this.#running < this.limit) {
      const work = this.#waiting.shift();
      if (work === undefined) return;
      this.#running += 1;
      void this.#run(work);
    }
  }

  async #run(work: () => Promise<void>): Promise<void> {
    const startedMs = this.#options.clock.now();
    try {
      await work();
    } finally {
      this.#running -= 1;
      // What began before the slow-down says nothing about the time after it.
      if (startedMs > this.#slowedAtMs) {
        this.#limit = Math.min(this.#options.most, this.#limit + 1 / this.#limit);
      }
      this.#start();
      this.#notify();
    }
  }

  #notify(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}

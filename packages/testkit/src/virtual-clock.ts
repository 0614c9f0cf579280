/**
 * Time that stands still until it is turned.
 *
 * 1. Timers fire in order of their instant; timers of one instant in the order they were set.
 * 2. Between two timers everything that can run without time passing runs to its end.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";

interface Timer {
  readonly atMs: number;
  readonly number: number;
  readonly fire: () => void;
}

/** 2026-01-01T00:00:00Z: a plausible epoch, so that nothing mistakes it for a duration. */
const EPOCH_MS = 1_767_225_600_000;

export class VirtualClock implements Clock {
  #nowMs: number;
  #timers: Timer[] = [];
  #numbers = 0;

  constructor(startMs: number = EPOCH_MS) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(aborted());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#numbers += 1;
    const onAbort = (): void => {
      this.#timers = this.#timers.filter((kept) => kept !== timer);
      reject(aborted());
    };
    const fire = (): void => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    };
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, ms), number: this.#numbers, fire };
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#timers.push(timer);
    return promise;
  }

  /** How many sleeps have not ended. */
  get sleeping(): number {
    return this.#timers.length;
  }

  /** Lets `ms` pass, firing every timer on the way. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#next(); next !== undefined && next.atMs <= untilMs; next = this.#next()) {
      await this.#fire(next);
    }
    this.#nowMs = untilMs;
  }

  /**
   * Lets time pass until `done` answers true. @throws {Error} if it does not within `limitMs`, or
   * if nothing is left that could happen
   */
  async runUntil(done: () => boolean | Promise<boolean>, limitMs: number): Promise<void> {
    const untilMs = this.#nowMs + limitMs;
    await settle();
    while (!(await done())) {
      const next = this.#next();
      if (next === undefined) throw new Error("nothing is left to happen, and it is not done");
      if (next.atMs > untilMs) throw new Error(`not done within ${limitMs} ms of virtual time`);
      await this.#fire(next);
    }
  }

  #next(): Timer | undefined {
    return this.#timers.reduce<Timer | undefined>((best, timer) => {
      if (best === undefined || timer.atMs < best.atMs) return timer;
      return timer.atMs === best.atMs && timer.number < best.number ? timer : best;
    }, undefined);
  }

  async #fire(timer: Timer): Promise<void> {
    this.#timers = this.#timers.filter((kept) => kept !== timer);
    this.#nowMs = Math.max(this.#nowMs, timer.atMs);
    timer.fire();
    await settle();
  }
}

/** Runs every promise callback that is ready, and those they make ready in turn. */
async function settle(): Promise<void> {
  // The event loop empties the whole microtask queue before it comes to an immediate.
  await new Promise<void>((resolve) => setImmediate(resolve));
}

function aborted(): CloudPhoenixError {
  return new CloudPhoenixError("ABORTED", "the wait was aborted", { retryable: true });
}

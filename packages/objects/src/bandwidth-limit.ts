/**
 * At most so many bytes per second, over everything that copies. First come, first served.
 *
 * Who gives up waiting has taken nothing: when a move ends the follower, its copies leave the limit
 * to the last copy. A range that loses its authority finishes the objects under way, at the limit.
 */
import { abortedError, throwIfAborted } from "./retries.ts";
import type { Surroundings } from "./surroundings.ts";

/** A day, because a timer that is set for longer than 2^31 - 1 ms (25 days) runs out at once. */
const SLEEP_MAX_MS = 86_400_000;

export class BandwidthLimit {
  readonly #bytesPerSecond: number | null;
  readonly #clock: Surroundings["clock"];
  /** When everything granted so far will have been sent at the limit. */
  #paidUntilMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** Settles when everybody who came before has been granted, or has given up. */
  #turn: Promise<void> = Promise.resolve();

  /** Null is no limit. */
  constructor(bytesPerSecond: number | null, clock: Surroundings["clock"]) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
  }

  /** Waits until `bytes` more may be read. @throws {CloudPhoenixError} `ABORTED` */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#bytesPerSecond === null) return;
    const before = this.#turn;
    const granted = Promise.withResolvers<void>();
    this.#turn = before.then(() => granted.promise);
    try {
      await unlessAborted(before, signal);
      const nowMs = this.#now();
      const startMs = Math.max(nowMs, this.#paidUntilMs);
      for (let leftMs = startMs - nowMs; leftMs > 0; leftMs -= SLEEP_MAX_MS) {
        await this.#clock.sleep(Math.min(leftMs, SLEEP_MAX_MS), signal);
      }
      this.#paidUntilMs = startMs + (bytes / this.#bytesPerSecond) * 1_000;
    } finally {
      granted.resolve();
    }
  }

  #now(): number {
    const nowMs = this.#clock.now();
    // A clock that was set back would have everybody wait for what it was set back by.
    if (nowMs < this.#lastMs) this.#paidUntilMs -= this.#lastMs - nowMs;
    this.#lastMs = nowMs;
    return nowMs;
  }
}

/** @throws {CloudPhoenixError} `ABORTED` as soon as `signal` aborts */
function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = (): void => reject(abortedError(signal.reason));
  signal.addEventListener("abort", stop, { once: true });
  void work.then(resolve);
  return promise.finally(() => signal.removeEventListener("abort", stop));
}

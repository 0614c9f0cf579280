/** At most so many bytes per second, over everything that copies. */
import type { Surroundings } from "./surroundings.ts";

export class BandwidthLimit {
  readonly #bytesPerSecond: number | null;
  readonly #clock: Surroundings["clock"];
  /** When everything granted so far will have been sent at the limit. */
  #paidUntilMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** Null is no limit. */
  constructor(bytesPerSecond: number | null, clock: Surroundings["clock"]) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
  }

  /** Waits until `bytes` more may be read. @throws {CloudPhoenixError} `ABORTED` */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#bytesPerSecond === null) return;
    const nowMs = this.#clock.now();
    // A clock that was set back would have everybody wait for what it was set back by.
    if (nowMs < this.#lastMs) this.#paidUntilMs -= this.#lastMs - nowMs;
    this.#lastMs = nowMs;
    const startMs = Math.max(nowMs, this.#paidUntilMs);
    this.#paidUntilMs = startMs + (bytes / this.#bytesPerSecond) * 1_000;
    if (startMs > nowMs) await this.#clock.sleep(startMs - nowMs, signal);
  }
}

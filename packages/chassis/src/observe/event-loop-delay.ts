/** How late timers fire, over a window that no reader ends for another. */
import { type ELDHistogram, monitorEventLoopDelay } from "node:perf_hooks";

const RESOLUTION_MS = 20;
/** What is read is at least this old, and at most twice as old if somebody reads as often. */
const HALF_WINDOW_MS = 30_000;

/** Shares of the delays, in percent, to read. */
export type Percentile = 50 | 90 | 99 | 100;

export class EventLoopDelay {
  readonly #now: () => number;
  /** Is read from. */
  #older: ELDHistogram;
  /** Takes its place when it is half a window old itself. */
  #younger: ELDHistogram;
  #youngerSinceMs: number;

  /** Measures from now on, all the time, at next to no cost. @param now - a monotonic clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#older = started();
    this.#younger = started();
    this.#youngerSinceMs = now();
  }

  /** Seconds, by percentile, in the last half to one minute. */
  read(): Readonly<Record<Percentile, number>> {
    const histogram = this.#older;
    const delays = {
      50: delaySeconds(histogram.percentile(50)),
      90: delaySeconds(histogram.percentile(90)),
      99: delaySeconds(histogram.percentile(99)),
      100: delaySeconds(histogram.max),
    };
    this.#moveOn();
    return delays;
  }

  #moveOn(): void {
    if (this.#now() - this.#youngerSinceMs < HALF_WINDOW_MS) return;
    const emptied = this.#older;
    emptied.reset();
    this.#older = this.#younger;
    this.#younger = emptied;
    this.#youngerSinceMs = this.#now();
  }
}

function started(): ELDHistogram {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  return delays;
}

/** What is recorded is the time between two ticks; what is more than a tick is delay. */
function delaySeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3);
}

/** The loop of a service that works by itself: rounds, one after the other, until it is told to stop. */
import { setTimeout as delay } from "node:timers/promises";
import { spread } from "./spread.ts";

export interface RoundsOptions {
  /** One round of work; how many milliseconds to wait before the next. What it throws is a failure. */
  readonly round: () => Promise<number>;
  /** The pause after a first failure is `idleMs` at most. */
  readonly idleMs: number;
  readonly onFailure: (error: unknown, pauseMs: number) => void;
  /** Between 0 and 1. */
  readonly random: () => number;
}

/** Longest pause after failures: what rounds need is back within seconds, or a person is at it. */
const FAILURE_PAUSE_MAX_MS = 2_000;

export class Rounds {
  readonly #options: RoundsOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** Aborted once it was told to stop: a round that takes long ends early. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  /** Begins. Again is the same. */
  start(): void {
    this.#running ??= this.#work();
  }

  /** Begins no further round and resolves once the present one has ended. Idempotent. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #work(): Promise<void> {
    const { round, idleMs: baseMs, onFailure, random } = this.#options;
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      let pauseMs: number;
      try {
        pauseMs = await round();
        failures = 0;
      } catch (error) {
        failures += 1;
        pauseMs = spread(failures, { baseMs, maxMs: FAILURE_PAUSE_MAX_MS, random });
        onFailure(error, pauseMs);
      }
      await delay(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }
}

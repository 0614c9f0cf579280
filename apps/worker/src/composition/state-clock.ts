/**
 * The time of the state database, which all workers share: what one of them stores is an instant to the
 * next one, whatever the clocks of their machines say.
 *
 * 1. It runs by the clock of this machine, and is set by the database now and then.
 * 2. It never goes back: what is ahead loses a tenth of its speed until it is right; what is behind is
 *    set forward at once, for instance after a machine was suspended.
 */
import type { Clock } from "@cloudphoenix/engine";

/** An answer that took longer tells the time too vaguely; the next one may be quicker. */
const ANSWER_MAX_MS = 1_000;
const SLOWER_BY = 0.1;

export class StateClock implements Clock {
  readonly #base: Clock;
  readonly #ask: () => Promise<number>;
  #setAtMs: number;
  #setToMs: number;
  /** How far it was ahead when it was set; it is let slip. */
  #aheadMs = 0;
  #isSet = false;

  /** @param ask - the database's time now; epoch ms */
  constructor(base: Clock, ask: () => Promise<number>) {
    this.#base = base;
    this.#ask = ask;
    this.#setAtMs = base.now();
    this.#setToMs = this.#setAtMs;
  }

  now(): number {
    const passedMs = this.#base.now() - this.#setAtMs;
    return Math.round(this.#setToMs + passedMs - Math.min(this.#aheadMs, passedMs * SLOWER_BY));
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#base.sleep(ms, signal);
  }

  /**
   * Sets it by the database. The first time it may go anywhere: call it before anybody asks for the time.
   * @throws {CloudPhoenixError} what the database says
   */
  async set(): Promise<void> {
    const askedMs = this.#base.now();
    const toldMs = await this.#ask();
    const answeredMs = this.#base.now();
    if (this.#isSet && answeredMs - askedMs > ANSWER_MAX_MS) return;
    const trueMs = toldMs + (answeredMs - askedMs) / 2;
    const shownMs = this.now();
    const mayGoBack = !this.#isSet;
    this.#setAtMs = answeredMs;
    this.#setToMs = mayGoBack ? trueMs : Math.max(trueMs, shownMs);
    this.#aheadMs = this.#setToMs - trueMs;
    this.#isSet = true;
  }
}

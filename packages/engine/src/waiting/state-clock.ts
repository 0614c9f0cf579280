/**
 * The time of the state database, which all processes share: what one of them stores is an instant to
 * the next one, whatever the clocks of their machines say.
 *
 * 1. It runs by the clock of this machine, and is set by the database now and then. While the database
 *    does not answer it runs on: reading it never waits.
 * 2. It jumps only where its pace lets it; else it runs a little slower or faster until it is right, so
 *    that waits and ages, which are differences of its instants, stay what they are.
 */
import type { Clock } from "../ports/clock.ts";

/** An answer that took longer tells the time too vaguely; the next one may be quicker. */
const ANSWER_MAX_MS = 1_000;

/** How it gets right again. */
export interface ClockPace {
  /** Share of its speed that it loses while it is ahead, or wins while it is behind. */
  readonly slewBy: number;
  /** Whether what is behind is set forward at once, for instance after a machine was suspended. */
  readonly jumpsForward: boolean;
}

/** For who stores instants and waits by another clock: it never goes back, and is right soon. */
const STORED: ClockPace = { slewBy: 0.1, jumpsForward: true };

export class StateClock implements Clock {
  readonly #base: Clock;
  readonly #ask: () => Promise<number>;
  readonly #pace: ClockPace;
  #setAtMs: number;
  #setToMs: number;
  /** How far it was ahead when it was set, negative if it was behind; it is let slip. */
  #aheadMs = 0;
  #isSet = false;

  /** @param ask - the database's time now; epoch ms */
  constructor(base: Clock, ask: () => Promise<number>, pace: ClockPace = STORED) {
    this.#base = base;
    this.#ask = ask;
    this.#pace = pace;
    this.#setAtMs = base.now();
    this.#setToMs = this.#setAtMs;
  }

  now(): number {
    const passedMs = this.#base.now() - this.#setAtMs;
    const slippedMs = Math.min(Math.abs(this.#aheadMs), passedMs * this.#pace.slewBy);
    return Math.round(this.#setToMs + passedMs - Math.sign(this.#aheadMs) * slippedMs);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#base.sleep(ms, signal);
  }

  /**
   * Sets it by the database, and tells how far ahead it was; null if the answer told too little. The
   * first time, and whenever `mayJump` says so, it may go anywhere: then nobody may be waiting by it.
   * @throws {CloudPhoenixError} what the database says
   */
  async set(mayJump: () => boolean = () => false): Promise<number | null> {
    const askedMs = this.#base.now();
    const toldMs = await this.#ask();
    const answeredMs = this.#base.now();
    if (this.#isSet && answeredMs - askedMs > ANSWER_MAX_MS) return null;
    const trueMs = toldMs + (answeredMs - askedMs) / 2;
    const shownMs = this.now();
    const jumps = !this.#isSet || mayJump() || (this.#pace.jumpsForward && trueMs > shownMs);
    this.#setAtMs = answeredMs;
    this.#setToMs = jumps ? trueMs : shownMs;
    this.#aheadMs = this.#setToMs - trueMs;
    this.#isSet = true;
    return shownMs - trueMs;
  }
}

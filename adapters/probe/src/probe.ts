/** A target, or a canary, with the state of its question: at most one is open. */
import type { Clock } from "@cloudphoenix/engine";
import { HttpAsker } from "./http-asker.ts";
import type { ProbeTarget, Verdict } from "./probe-target.ts";

/** Every twelfth question opens a new connection: kept ones are blind to a full accept queue,
 * a changed address or an expired certificate. At 5 s that is once a minute. */
export const FRESH_EVERY = 12;

/** What a probe asks, whoever it asks for. */
export type Asks = Pick<ProbeTarget, "url" | "expect" | "intervalMs" | "timeoutMs" | "headers">;

/** How one question ended. */
export interface Outcome {
  readonly verdict: Verdict;
  readonly answered: boolean;
  /** It had a new connection. */
  readonly fresh: boolean;
  /** On the wheel and on the clock. */
  readonly askedAtWheelMs: number;
  readonly askedAtMs: number;
  readonly latencyMs: number;
}

export class Probe {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly #asker: HttpAsker;
  #asked: number;
  #isOpen = false;
  #askedAtMs = 0;
  #askedAtWheelMs = 0;

  /** `asked` is how many questions it pretends to have asked; `ended` is told every outcome. */
  constructor(
    asks: Asks,
    asked: number,
    { clock, ended }: { readonly clock: Clock; readonly ended: (outcome: Outcome) => void },
  ) {
    this.intervalMs = asks.intervalMs;
    this.timeoutMs = asks.timeoutMs;
    this.#asked = asked;
    this.#asker = new HttpAsker(asks, ({ verdict, answered }) => {
      this.#isOpen = false;
      ended({
        verdict,
        answered,
        fresh: this.#isFresh,
        askedAtWheelMs: this.#askedAtWheelMs,
        askedAtMs: this.#askedAtMs,
        latencyMs: Math.max(0, clock.now() - this.#askedAtMs),
      });
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get staleConnections(): number {
    return this.#asker.staleConnections;
  }

  /** See `HttpAsker`. */
  get certificateEndsAtMs(): number | null {
    return this.#asker.certificateEndsAtMs;
  }

  /** Puts the next question and returns its number, which `expire` wants to know. */
  ask(nowMs: number, wheelMs: number): number {
    this.#asked += 1;
    const number = this.#asked;
    this.#isOpen = true;
    this.#askedAtMs = nowMs;
    this.#askedAtWheelMs = wheelMs;
    this.#asker.ask(this.#isFresh);
    return number;
  }

  /** Gives up on that question, if it is still open. */
  expire(number: number): void {
    if (this.#isOpen && this.#asked === number) this.#asker.expire(this.timeoutMs);
  }

  /** Closes its connection; a question that is open ends without an outcome. */
  close(): void {
    this.#isOpen = false;
    this.#asker.close();
  }

  get #isFresh(): boolean {
    return this.#asked % FRESH_EVERY === 0;
  }
}

/** Types of `send-order.js`, which browsers get as it is. */

/** What the world does for a sender. */
export interface Sending {
  /** Sends the same order; rejects if nobody answers. */
  readonly send: () => Promise<Answer>;
  /** Tells the visitor. */
  readonly say: (sentence: string) => void;
  readonly pause: (ms: number) => Promise<unknown>;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

export type Answer = Pick<Response, "ok" | "status" | "headers" | "url">;

export const KEPT_UNREACHABLE: string;
export const KEPT_CLOSED: string;
export const GAVE_UP: string;

/** The answer that is final; null if there was none for ten minutes. */
export function sendUntilAnswered(sending: Sending): Promise<Answer | null>;

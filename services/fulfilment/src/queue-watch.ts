/** The last look at the queue, shared by health checks, scrapes and requests. */
import type { QueueState } from "./queue-state.ts";

/** How old an answer may be. */
const AGE_MS = 1_000;

/** Asks at most once a second, however many want to know. */
export class QueueWatch {
  readonly #ask: () => Promise<QueueState>;
  readonly #now: () => number;
  #last: { readonly atMs: number; readonly state: Promise<QueueState | null> } | null = null;

  /** @param now - a monotonic clock in milliseconds */
  constructor(ask: () => Promise<QueueState>, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  /** Null if the database does not say. Never throws. */
  state(): Promise<QueueState | null> {
    if (this.#last === null || this.#now() - this.#last.atMs > AGE_MS) {
      this.#last = { atMs: this.#now(), state: this.#ask().catch(() => null) };
    }
    return this.#last.state;
  }
}

/**
 * The time a piece of work has, handed down through every call it makes.
 *
 * Between processes the *remaining* time travels, never a time of day: clocks of two hosts differ.
 */
import { performance } from "node:perf_hooks";
import { DeadlineExceededError } from "../errors/failures.ts";

/** Header with the remaining time in whole milliseconds, on requests in both directions. */
export const DEADLINE_HEADER = "x-request-timeout-ms";

/**
 * Below this a caller's own time is too short to hold a service to: a connection, a commit at a
 * standby or a pause for garbage may take as long. Work is begun all the same; it may be quick.
 */
export const TIGHT_DEADLINE_MS = 50;

/** A point on this process's monotonic clock after which nobody waits for the result any more. */
export class Deadline {
  readonly #endMs: number;
  readonly #now: () => number;
  /** Its caller gave less than `TIGHT_DEADLINE_MS`: it is the caller's fault if that is over. */
  readonly isTight: boolean;
  #cancelled = false;
  #controller: AbortController | null = null;
  #timer: NodeJS.Timeout | null = null;

  private constructor(endMs: number, now: () => number, isTight: boolean) {
    this.#endMs = endMs;
    this.#now = now;
    this.isTight = isTight;
  }

  /** @param now - a monotonic clock in milliseconds */
  static after(ms: number, now: () => number = monotonicMs): Deadline {
    return new Deadline(now() + ms, now, false);
  }

  /** The earlier of what a caller's header says and the limit of this service. */
  static fromHeader(header: string | string[] | undefined, limitMs: number): Deadline {
    const offered = typeof header === "string" && /^\d{1,9}$/.test(header) ? Number(header) : null;
    if (offered === null) return Deadline.after(limitMs);
    const endMs = monotonicMs() + Math.min(offered, limitMs);
    return new Deadline(endMs, monotonicMs, offered < TIGHT_DEADLINE_MS);
  }

  /** Never negative. Work that was cancelled has none left. */
  remainingMs(): number {
    return this.#cancelled ? 0 : Math.max(0, this.#endMs - this.#now());
  }

  /** @throws {DeadlineExceededError} if no time is left; nothing was begun then */
  check(): void {
    if (this.remainingMs() > 0) return;
    throw new DeadlineExceededError("There was no time left to begin.", { outcome: "none" });
  }

  /** Ends the work now, whatever time is left: the caller has gone away. Nothing more is begun. */
  cancel(reason: unknown): void {
    this.#cancelled = true;
    this.#controllerOf().abort(reason);
    this.release();
  }

  /**
   * Aborts when the time is over or the work is cancelled. Made at the first use, because a timer
   * per request that nobody looks at is not free.
   */
  get signal(): AbortSignal {
    const controller = this.#controllerOf();
    if (this.#timer === null && !controller.signal.aborted) {
      this.#timer = setTimeout(() => {
        controller.abort(new DeadlineExceededError("The time for the request is over."));
      }, this.remainingMs());
      this.#timer.unref();
    }
    return controller.signal;
  }

  /** Lets go of the timer; the work is done. */
  release(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Header for calls made on behalf of this work. */
  headers(): Record<string, string> {
    return { [DEADLINE_HEADER]: String(Math.floor(this.remainingMs())) };
  }

  #controllerOf(): AbortController {
    this.#controller ??= new AbortController();
    return this.#controller;
  }
}

/** This process's monotonic clock, in milliseconds. */
export function monotonicMs(): number {
  return performance.now();
}

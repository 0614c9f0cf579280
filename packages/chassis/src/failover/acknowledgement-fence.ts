/**
 * Withholds the acknowledgement of a write that came back too late.
 *
 * The database refuses writes once its lease has lapsed, but a database that froze after it had
 * checked the lease finishes the commit when it wakes, and by then the other site may have taken
 * over: that write will be lost. Only the service can notice. So the write's own reply carries the
 * lease time that was left, and:
 *
 * 1. Time runs from before the write was *sent*, on this process's monotonic clock. The database
 *    measured the lease after that, so the service's end of the lease is never later than the real one.
 * 2. A reply that arrives at or after that end is answered `WRITE_UNCERTAIN`: repeat it with the
 *    same idempotency key, wherever the entry leads then.
 * 3. No lease in force (null) means no limit.
 */
import { WriteUncertainError } from "../errors/failures.ts";
import { monotonicMs } from "../resilience/deadline.ts";

/** One write on its way. */
export class PendingWrite {
  readonly #now: () => number;
  readonly #sentMs: number;
  #endMs = Number.POSITIVE_INFINITY;

  /** Begin it immediately before the write is sent. @param now - a monotonic clock in milliseconds */
  constructor(now: () => number = monotonicMs) {
    this.#now = now;
    this.#sentMs = now();
  }

  /** What the database said of the lease in a reply to something sent since. The least counts. */
  leaseSaid(remainingMs: number | null): void {
    if (remainingMs === null) return;
    this.#endMs = Math.min(this.#endMs, this.#sentMs + remainingMs);
  }

  /**
   * Call when the reply to the commit is here, right before acknowledging.
   * @throws {WriteUncertainError} if the lease may have lapsed meanwhile
   */
  confirm(): void {
    if (this.#now() < this.#endMs) return;
    throw new WriteUncertainError(
      "The write came back after this site's right to write had ended; retry with the same idempotency key.",
    );
  }
}

/** A wait that ends, whether or not the work listens. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";

export interface Deadline {
  readonly clock: Clock;
  readonly limitMs: number;
  /** Ends the wait early. */
  readonly signal: AbortSignal;
  /** What is waited for, for the message. */
  readonly what: string;
}

/** A reason made once: without one, every abort makes an error with a stack of its own. */
const OVER = new Error("what the deadline was for is over");

/**
 * Runs `work` for at most `limitMs`. Work that ignores its signal is left behind, never waited
 * for: a hung adapter must not hang the plan.
 * @throws {CloudPhoenixError} `TIMED_OUT` (retryable) or `ABORTED`; otherwise what `work` throws
 */
export async function withDeadline<T>(
  deadline: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, limitMs, signal, what } = deadline;
  if (signal.aborted) throw abortedError(what);
  const inner = new AbortController();
  const timer = new AbortController();

  const onAbort = Promise.withResolvers<never>();
  const abort = (): void => onAbort.reject(abortedError(what));
  signal.addEventListener("abort", abort, { once: true });
  const timeout = clock.sleep(limitMs, timer.signal).then(() => {
    throw new CloudPhoenixError("TIMED_OUT", `${what} took longer than ${limitMs} ms`, {
      retryable: true,
      hint: "Find out what does not answer, then retry the step.",
    });
  });
  // The losers of the race may reject later; nobody waits for them.
  timeout.catch(() => undefined);
  onAbort.promise.catch(() => undefined);
  try {
    return await Promise.race([work(inner.signal), timeout, onAbort.promise]);
  } catch (error) {
    inner.abort();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
    timer.abort(OVER);
  }
}

function abortedError(what: string): CloudPhoenixError {
  return new CloudPhoenixError("ABORTED", `${what} was stopped`, { retryable: true });
}

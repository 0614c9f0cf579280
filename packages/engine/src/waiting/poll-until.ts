/** Asks again and again until the world is as wanted. */
import { CloudPhoenixError, type ErrorCode, messageOf } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";

export interface Poll<T> {
  readonly clock: Clock;
  readonly intervalMs: number;
  /** The last question is asked before this much time has passed. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly ask: (signal: AbortSignal) => Promise<T>;
  /** What is still missing, as a sentence; null if the answer is as wanted. */
  readonly missing: (answer: T) => string | null;
}

/**
 * The first answer that misses nothing. Errors that may pass count as "not yet".
 * @throws {CloudPhoenixError} `TIMED_OUT` (retryable) saying what was still missing, `ABORTED`,
 *   or an error of `ask` that is final
 */
export async function pollUntil<T>(poll: Poll<T>): Promise<T> {
  const { clock, signal } = poll;
  const endsAtMs = clock.now() + poll.limitMs;
  for (;;) {
    let missing: string | null;
    let code: ErrorCode = "TIMED_OUT";
    try {
      const answer = await poll.ask(signal);
      missing = poll.missing(answer);
      if (missing === null) return answer;
    } catch (error) {
      if (signal.aborted || !(error instanceof CloudPhoenixError) || !error.retryable) throw error;
      missing = messageOf(error);
      code = error.code;
    }
    if (clock.now() + poll.intervalMs >= endsAtMs) {
      throw new CloudPhoenixError(code, missing, { retryable: true });
    }
    await clock.sleep(poll.intervalMs, signal);
  }
}

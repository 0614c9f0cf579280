/** Waiting for another process to get somewhere, with a limit. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";

export interface PollOptions {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly limitMs: number;
  /** What is waited for, for the message: "the apply worker to stop". */
  readonly what: string;
  readonly signal: AbortSignal;
}

/**
 * Asks until `probe` answers something other than null, and returns that.
 * @throws {CloudPhoenixError} `TIMED_OUT` (retryable) after the limit, `ABORTED` with the signal
 */
export async function pollUntil<T>(
  options: PollOptions,
  probe: () => Promise<T | null>,
): Promise<T> {
  const { clock, everyMs, limitMs, what, signal } = options;
  const untilMs = clock.now() + limitMs;
  for (;;) {
    const answer = await probe();
    if (answer !== null) return answer;
    if (clock.now() >= untilMs) {
      throw new CloudPhoenixError("TIMED_OUT", `waited ${limitMs} ms for ${what}`, {
        retryable: true,
      });
    }
    await clock.sleep(everyMs, signal);
  }
}

/** Repeating idempotent work with exponential back-off and full jitter. */
import { setTimeout as delay } from "node:timers/promises";
import { ExponentialBackoff, fullJitterGenerator, type IBackoff } from "cockatiel";
import { ServiceError } from "../errors/service-error.ts";
import type { Deadline } from "./deadline.ts";

/** How often and how patiently. */
export interface RetryPolicy {
  /** Runs in all, the first one included. Default 3. */
  readonly attempts?: number;
  /** Upper bound of the first wait; doubles each time. Default 50 ms. */
  readonly baseMs?: number;
  /** No wait is longer, unless whoever failed asked for it and a deadline allows it. Default 1 s. */
  readonly maxMs?: number;
  /** Which failures pass by themselves. Default: `isRetryable`. */
  readonly shouldRetry?: (error: unknown) => boolean;
}

const MAX_WAIT_MS = 1_000;
const TOO_MUCH_TO_DO: ReadonlySet<string> = new Set(["SATURATED", "RATE_LIMITED", "OVERLOADED"]);

/** What a run of retried work may know. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
}

/**
 * Runs `work` until it succeeds, fails for good, has had all its attempts, or the deadline leaves
 * no room for another wait. Each wait is drawn evenly from zero to the bound (full jitter), so that
 * clients that failed together do not come back together. If whoever failed asked for time
 * (`Retry-After`), the wait is that much longer; where the deadline has no room for it, or there is
 * none and it is more than a wait may be, the work is given up at once. Only for work that may be
 * repeated.
 *
 * The loop is ours because the library's does not end its wait when the caller gives up; the
 * series of waits is the library's.
 * @throws whatever the last attempt threw
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export async function retry<T>(
  work: (attempt: Attempt) => Promise<T>,
  policy: RetryPolicy = {},
  deadline?: Deadline,
): Promise<T> {
  const attempts = policy.attempts ?? 3;
  const shouldRetry = policy.shouldRetry ?? isRetryable;
  let backoff: IBackoff<unknown> | null = null;
  for (let number = 1; ; number += 1) {
    try {
      return await work({ number });
    } catch (error) {
      if (number >= attempts || !shouldRetry(error)) throw error;
      backoff = backoff === null ? seriesOf(policy) : backoff.next(error);
      const askedMs = askedToWaitMsOf(error);
      const waitMs = backoff.duration + askedMs;
      if (deadline === undefined) {
        if (askedMs > (policy.maxMs ?? MAX_WAIT_MS)) throw error;
      } else if (deadline.remainingMs() <= waitMs) throw error;
      await waitFor(waitMs, deadline, error);
    }
  }
}

/**
 * Whether `error` says of itself that the same call may succeed later. Whoever has too much to do is
 * asked again only if he said when: sooner is what having too much to do is made of.
 */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof ServiceError) || !error.retryable) return false;
  return error.askedToWaitMs !== null || !TOO_MUCH_TO_DO.has(error.code);
}

function askedToWaitMsOf(error: unknown): number {
  return error instanceof ServiceError ? (error.askedToWaitMs ?? 0) : 0;
}

function seriesOf(policy: RetryPolicy): IBackoff<unknown> {
  return new ExponentialBackoff({
    generator: fullJitterGenerator,
    initialDelay: policy.baseMs ?? 50,
    maxDelay: policy.maxMs ?? MAX_WAIT_MS,
  }).next();
}

/** A wait that is cut short passes on why the work failed, not that waiting ended. */
async function waitFor(
  ms: number,
  deadline: Deadline | undefined,
  failure: unknown,
): Promise<void> {
  try {
    await delay(ms, undefined, deadline === undefined ? {} : { signal: deadline.signal });
  } catch {
    throw failure;
  }
}

/** Asking a store again when it may answer then: backoff with jitter, a limit per attempt, an end. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Surroundings } from "./surroundings.ts";

/** When to ask again and when to give up. */
export interface RetryPolicy {
  readonly attempts: number;
  /** The wait before the second attempt is chance up to this; it doubles with each. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** How long one attempt may take before it is ended and counts as no answer, besides the time its bytes need. */
  readonly attemptLimitMs: number;
}

/** 1 Mbit/s. A connection on which nothing moves at all is ended long before by the store. */
const SLOWEST_BYTES_PER_MS = 128;

/** A timer of more than 24.8 days would end at once: reading an object of 256 GiB to its end may take that long. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Rides out about half a minute of throttling or a short outage. */
export const DEFAULT_RETRIES: RetryPolicy = Object.freeze({
  attempts: 7,
  firstWaitMs: 200,
  longestWaitMs: 15_000,
  attemptLimitMs: 120_000,
});

/** Short: for what is tried again later anyway, so that other work goes on meanwhile. */
export const QUICK_RETRIES: RetryPolicy = Object.freeze({
  attempts: 3,
  firstWaitMs: 100,
  longestWaitMs: 1_000,
  attemptLimitMs: 30_000,
});

export interface RetryOptions {
  readonly surroundings: Surroundings;
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal;
  /** Bytes that one attempt moves. Default: none worth counting. */
  readonly bytes?: number;
  /** Told before each wait; what slows the caller down. */
  readonly onRetry?: (error: CloudPhoenixError) => void;
}

/**
 * Does `work` until it succeeds, fails for good or has failed `attempts` times; then throws the
 * last error. The signal handed to `work` also aborts when the attempt takes too long.
 * @throws {CloudPhoenixError} `ABORTED` as soon as `signal` aborts
 */
export async function withRetries<T>(
  work: (signal: AbortSignal) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { policy, surroundings, signal } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await limited(work, options);
    } catch (error) {
      throwIfAborted(signal);
      if (!isRetryable(error) || attempt >= policy.attempts) throw error;
      options.onRetry?.(error);
      const ceilingMs = Math.min(policy.longestWaitMs, policy.firstWaitMs * 2 ** (attempt - 1));
      // Half of it is certain, so that a store that asks for patience gets some.
      const waitMs = ceilingMs / 2 + (surroundings.random.next() * ceilingMs) / 2;
      await surroundings.clock.sleep(waitMs, signal);
    }
  }
}

/** @throws {CloudPhoenixError} `ABORTED` if `signal` has aborted */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortedError(signal.reason);
}

/** The error for work that was told to stop. */
export function abortedError(cause: unknown): CloudPhoenixError {
  return new CloudPhoenixError("ABORTED", "it was told to stop", { retryable: true, cause });
}

function isRetryable(error: unknown): error is CloudPhoenixError {
  return error instanceof CloudPhoenixError && error.retryable;
}

async function limited<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { policy, signal, bytes = 0 }: RetryOptions,
): Promise<T> {
  throwIfAborted(signal);
  const limitMs = Math.min(policy.attemptLimitMs + bytes / SLOWEST_BYTES_PER_MS, TIMER_MAX_MS);
  const controller = new AbortController();
  const stop = (): void => controller.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    controller.abort(new Error(`no answer within ${limitMs} ms`));
  }, limitMs);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (!late) throw error;
    const message = `no answer within ${Math.round(limitMs / 1_000)} s`;
    throw new CloudPhoenixError("OBJECT_STORE_UNREACHABLE", message, {
      retryable: true,
      hint: "Check the network between here and the store; the next run goes on from here.",
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

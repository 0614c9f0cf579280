/**
 * The way to something that can fail: bulkhead, circuit breaker, time limit and retry in one place.
 *
 * From the outside in: retry → bulkhead → breaker → time limit → the call. So every attempt counts
 * for the breaker, and one that is waiting for its next attempt holds no place in the bulkhead.
 * A call that was never made, because the circuit is open or too many wait, is not repeated.
 * Nothing below may retry as well: turn off the retries of cloud clients.
 */
import {
  BrokenCircuitError,
  bulkhead,
  BulkheadRejectedError,
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
  wrap,
  type BulkheadPolicy,
  type IPolicy,
} from "cockatiel";
import { DependencyError, SaturatedError } from "../errors/failures.ts";
import { ServiceError } from "../errors/service-error.ts";
import { monotonicMs, type Deadline } from "./deadline.ts";
import { isRetryable, retry, type RetryPolicy } from "./retry.ts";
import { withTimeout } from "./with-timeout.ts";

/** How one dependency is treated. */
export interface DependencyOptions {
  /** One word, for metrics and messages. */
  readonly name: string;
  /** Limit of one attempt. Default 1 s. */
  readonly timeoutMs?: number;
  readonly retry?: RetryPolicy;
  /** Failures in a row that open the circuit. Default 5. */
  readonly failuresToOpen?: number;
  /** How long it stays open before one call may try. Default 1 s: recovery is seen within 2 s. */
  readonly openMs?: number;
  /** Calls at once. Default 50. */
  readonly concurrency?: number;
  /** Calls that may wait for a place. Default as many again. */
  readonly waiting?: number;
  /** Makes a planned failure of whatever the call threw. Default: leaves it as it is. */
  readonly classify?: (error: unknown) => unknown;
  /** Called once per attempt, for metrics. */
  readonly onCall?: (outcome: CallOutcome, seconds: number) => void;
}

/** How an attempt ended. `rejected`: it was never made, because the circuit is open or all is full. */
export type CallOutcome = "ok" | "failed" | "rejected";

/** What one call wants. */
export interface CallOptions {
  /** Whether it may be made more than once. Default false: one attempt. */
  readonly idempotent?: boolean;
  readonly deadline?: Deadline;
}

export type CircuitName = "closed" | "open" | "half-open";

/** Guards the calls to one dependency. Make one per dependency and keep it. */
export class Dependency {
  readonly name: string;
  readonly #options: DependencyOptions;
  readonly #breaker: CircuitBreakerPolicy;
  readonly #bulkhead: BulkheadPolicy;
  readonly #policy: IPolicy;
  #lastError: string | null = null;

  constructor(options: DependencyOptions) {
    this.name = options.name;
    this.#options = options;
    const concurrency = options.concurrency ?? 50;
    this.#bulkhead = bulkhead(concurrency, options.waiting ?? concurrency);
    this.#breaker = circuitBreaker(handleWhen(speaksAgainstDependency), {
      halfOpenAfter: options.openMs ?? 1_000,
      breaker: new ConsecutiveBreaker(options.failuresToOpen ?? 5),
    });
    this.#policy = wrap(this.#bulkhead, this.#breaker);
  }

  /**
   * Makes the call. The signal handed to it aborts at the time limit or the deadline.
   * @throws {DependencyError} if the circuit is open, {SaturatedError} if too many calls wait,
   *   {DependencyTimeoutError} at the time limit, {DeadlineExceededError}; else what the call threw
   */
  call<T>(work: (signal: AbortSignal) => Promise<T>, options: CallOptions = {}): Promise<T> {
    const passes = this.#options.retry?.shouldRetry ?? isRetryable;
    const policy = {
      ...this.#options.retry,
      shouldRetry: (error: unknown) => !wasRejected(error) && passes(error),
      ...(options.idempotent === true ? {} : { attempts: 1 }),
    };
    return retry(() => this.#attempt(work, options.deadline), policy, options.deadline);
  }

  /** State of the circuit, calls running and the last failure, for health and metrics. */
  get state(): {
    readonly circuit: CircuitName;
    readonly running: number;
    readonly lastError: string | null;
  } {
    const free = this.#bulkhead.executionSlots;
    return {
      circuit: circuitName(this.#breaker.state),
      running: (this.#options.concurrency ?? 50) - free,
      lastError: this.#lastError,
    };
  }

  async #attempt<T>(
    work: (signal: AbortSignal) => Promise<T>,
    deadline: Deadline | undefined,
  ): Promise<T> {
    deadline?.check();
    const startedMs = monotonicMs();
    const limitMs = this.#options.timeoutMs ?? 1_000;
    try {
      const answer = await this.#policy.execute(() =>
        withTimeout(limitMs, (signal) => this.#classified(work, signal), deadline?.signal),
      );
      this.#ended("ok", startedMs);
      return answer;
    } catch (error) {
      const rejected = rejectionOf(error, this.name);
      this.#ended(rejected === null ? "failed" : "rejected", startedMs);
      if (rejected === null) this.#lastError = error instanceof ServiceError ? error.code : "ERROR";
      throw rejected ?? error;
    }
  }

  /** Classified inside the breaker: it judges planned failures. */
  async #classified<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await work(signal);
    } catch (error) {
      throw this.#options.classify?.(error) ?? error;
    }
  }

  #ended(outcome: CallOutcome, startedMs: number): void {
    this.#options.onCall?.(outcome, (monotonicMs() - startedMs) / 1_000);
  }
}

/** A refusal of what we asked for (4xx) is an answer; only 5xx and the unplanned count against it. */
function speaksAgainstDependency(error: unknown): boolean {
  return !(error instanceof ServiceError) || error.status >= 500;
}

/** Whether the call failed here, before it was made. */
function wasRejected(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.cause instanceof BrokenCircuitError || error.cause instanceof BulkheadRejectedError)
  );
}

function rejectionOf(error: unknown, name: string): ServiceError | null {
  if (error instanceof BrokenCircuitError) {
    return new DependencyError(`${name} is not asked for a moment: it kept failing.`, {
      cause: error,
    });
  }
  if (error instanceof BulkheadRejectedError) {
    return new SaturatedError(`Too many requests wait for ${name}.`, { cause: error });
  }
  return null;
}

function circuitName(state: CircuitState): CircuitName {
  if (state === CircuitState.Closed) return "closed";
  return state === CircuitState.HalfOpen ? "half-open" : "open";
}

/**
 * Work that any process on any machine may do: durable, tried until it is done, counted once.
 *
 * Promises of every implementation (checked by the contract suite):
 * 1. A task that was enqueued ends as `done`, `set-aside` or `cancelled`, and stays readable until
 *    it is pruned. Nobody has to live for that.
 * 2. One key is one task: to enqueue it again, also long after it ended, changes nothing.
 * 3. A claim holds until its time is up, by the clock of the store, unless it is renewed. Then the
 *    task is anybody's again, and whatever the late worker says of it is refused: `CLAIM_LOST`.
 * 4. Among the applications asked for, the one with the fewest claims in force is served first;
 *    within it the most urgent task, then the oldest.
 */
import type { Json } from "@cloudphoenix/core";

/** Payloads and results are bounded, as JSON text in UTF-8: data belongs into the object stores. */
export const TASK_JSON_MAX_BYTES: number = 262_144;

/** Times a task is tried where nobody says otherwise; each lost claim counts as one. */
export const ATTEMPTS_MAX: number = 10;

export interface NewTask {
  readonly application: string;
  /** What is to be done; workers ask for the kinds they can do. */
  readonly kind: string;
  /** Unique among all tasks of the application; say what makes the task that task. */
  readonly key: string;
  /** Plain JSON. Never a secret. */
  readonly payload: Json;
  /** Tasks that belong together, for `batch`. */
  readonly batch?: string;
  /** Higher goes first; 0 if absent. */
  readonly urgency?: number;
  /** `ATTEMPTS_MAX` if absent; null never gives up. */
  readonly attemptsMax?: number | null;
}

/** `set-aside`: given up after its last attempt or a final failure; a person may have it retried. */
export type TaskStatus = "waiting" | "claimed" | "done" | "set-aside" | "cancelled";

export interface TaskFailure {
  readonly code: string;
  readonly message: string;
}

export interface Task {
  readonly id: string;
  readonly application: string;
  readonly kind: string;
  readonly key: string;
  readonly status: TaskStatus;
  /** Claims so far. */
  readonly attempts: number;
  /** Who has, or last had, the claim; null before the first. */
  readonly holder: string | null;
  /** What the worker noted last; null before it did. The next attempt goes on from there. */
  readonly progress: Json;
  /** Null unless `done`. */
  readonly result: Json;
  /** Of the newest attempt that failed; null once it is done. */
  readonly failure: TaskFailure | null;
}

/** The right to work on a task. */
export interface TaskClaim {
  readonly taskId: string;
  /** Grows with every claim of the task: the fencing token. */
  readonly token: number;
}

export interface ClaimedTask {
  readonly task: Task;
  readonly payload: Json;
  readonly claim: TaskClaim;
}

export interface ClaimRequest {
  readonly applications: readonly string[];
  readonly kinds: readonly string[];
  /** Who works, for people: for instance host and pid. */
  readonly holder: string;
  readonly claimMs: number;
}

/** How many tasks of a batch or an application are where. */
export type TaskCounts = Readonly<Record<TaskStatus, number>>;

/**
 * The port. Errors of every call: `STATE_UNAVAILABLE` (retryable); more where said.
 */
export interface WorkQueue {
  /**
   * The task of this key; made unless it exists.
   * @throws {CloudPhoenixError} `BAD_REQUEST` if the payload is too large
   */
  enqueue(task: NewTask): Promise<Task>;

  /** A due task for this worker alone; null if there is none now. */
  claim(request: ClaimRequest): Promise<ClaimedTask | null>;

  /**
   * Keeps the claim for another `claimMs` from now, and notes progress if given.
   * @throws {CloudPhoenixError} `CLAIM_LOST`
   */
  renew(claim: TaskClaim, claimMs: number, progress?: Json): Promise<void>;

  /** @throws {CloudPhoenixError} `CLAIM_LOST`, `BAD_REQUEST` if the result is too large */
  finish(claim: TaskClaim, result: Json): Promise<void>;

  /**
   * Tries again after `againInMs`; sets the task aside if that is null or this was the last attempt.
   * @throws {CloudPhoenixError} `CLAIM_LOST`
   */
  fail(claim: TaskClaim, failure: TaskFailure, againInMs: number | null): Promise<TaskStatus>;

  /**
   * Gives the task back at once; the attempt does not count. For an orderly stop.
   * @throws {CloudPhoenixError} `CLAIM_LOST`
   */
  release(claim: TaskClaim): Promise<void>;

  /** Ends the task unless it has ended; a worker that has it loses its claim. */
  cancel(taskId: string): Promise<void>;

  /** Gives a task that was set aside its attempts again. @throws {CloudPhoenixError} `CONFLICT` */
  retry(taskId: string): Promise<void>;

  /** @throws {CloudPhoenixError} `NOT_FOUND` */
  read(taskId: string): Promise<Task>;

  /** Tasks of one batch in the order they were enqueued, at most `limit`. */
  batch(application: string, batch: string, limit: number): Promise<readonly Task[]>;

  /** Tasks of the application that were set aside, newest first, at most `limit`. */
  setAside(application: string, limit: number): Promise<readonly Task[]>;

  counts(application: string): Promise<TaskCounts>;

  /** Forgets tasks that ended longer ago than this, and says how many. */
  prune(endedBeforeMs: number): Promise<number>;
}

/**
 * Claims tasks of some kinds and has them done, a number at the same time.
 *
 * 1. A task is worked on only while its claim holds; when it is lost, the work is stopped and what it
 *    came to is not told to anybody.
 * 2. An orderly stop gives every task back, with its progress, so that others go on at once.
 */
import { CloudPhoenixError, hasCode, type Json, messageOf } from "@cloudphoenix/core";
import type { ClaimedTask, Clock, Random, Task, WorkQueue } from "@cloudphoenix/engine";
import { ClaimKeeper, failureOf } from "./claim-keeper.ts";
import { retryDelayMs } from "./retry-delay.ts";

/** What the work on one task is given. */
export interface TaskContext {
  readonly task: Task;
  /** Aborts when the claim is lost or the worker stops: stop then, tidy nothing up. */
  readonly signal: AbortSignal;
  /** Stored with the next renewal; `task.progress` of whoever takes over. */
  note(progress: Json): void;
  /** Resolves if the claim holds for certain. @throws {CloudPhoenixError} `CLAIM_LOST` */
  stillOurs(): void;
}

/** Does one task and answers with its result. @throws {CloudPhoenixError} tried again if retryable */
export type TaskHandler = (payload: Json, context: TaskContext) => Promise<Json>;

/** Told what became of tasks. */
interface LaneListener {
  ended(kind: string, outcome: "done" | "failed" | "set-aside" | "claim-lost" | "given-back"): void;
  trouble(message: string): void;
}

export interface TaskLaneOptions {
  readonly queue: WorkQueue;
  readonly applications: readonly string[];
  readonly handlers: Readonly<Record<string, TaskHandler>>;
  /** Tasks at the same time. */
  readonly slots: number;
  readonly claimMs: number;
  /** How often to ask while there is nothing to do. */
  readonly pollMs: number;
  readonly holder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly listener: LaneListener;
}

export class TaskLane {
  readonly #options: TaskLaneOptions;
  #busy = 0;

  constructor(options: TaskLaneOptions) {
    this.#options = options;
  }

  /** Tasks being worked on now. */
  get busy(): number {
    return this.#busy;
  }

  /** Works until `stop` aborts and everything is given back. Never throws. */
  async run(stop: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.slots }, () => this.#slot(stop)));
  }

  async #slot(stop: AbortSignal): Promise<void> {
    const { clock, pollMs, random, listener } = this.#options;
    let said = "";
    while (!stop.aborted) {
      let found = false;
      try {
        found = await this.#claimAndWork(stop);
        said = "";
      } catch (error) {
        if (messageOf(error) !== said) listener.trouble(messageOf(error));
        said = messageOf(error);
      }
      if (found) continue;
      // Workers that were started together should not ask together.
      await clock.sleep(pollMs * (0.5 + random.next()), stop).catch(() => undefined);
    }
  }

  /** Whether there was anything to do. */
  async #claimAndWork(stop: AbortSignal): Promise<boolean> {
    const { queue, applications, handlers, holder, claimMs, clock } = this.#options;
    const askedMs = clock.now();
    const kinds = Object.keys(handlers);
    const claimed = await queue.claim({ applications, kinds, holder, claimMs });
    if (claimed === null) return false;
    const { claim } = claimed;
    const keeper = new ClaimKeeper({ queue, clock, claim, claimMs, askedMs });
    keeper.begin();
    this.#busy += 1;
    try {
      await this.#work(claimed, keeper, stop);
    } catch (error) {
      if (!hasCode(error, "CLAIM_LOST")) throw error;
      this.#options.listener.ended(claimed.task.kind, "claim-lost");
    } finally {
      this.#busy -= 1;
      await keeper.end();
    }
    return true;
  }

  /** @throws {CloudPhoenixError} `CLAIM_LOST`, `STATE_UNAVAILABLE`: then the claim runs out by itself */
  async #work(
    { task, payload, claim }: ClaimedTask,
    keeper: ClaimKeeper,
    stop: AbortSignal,
  ): Promise<void> {
    const { queue, handlers, random, listener } = this.#options;
    const signal = AbortSignal.any([stop, keeper.lost]);
    try {
      const result = await (handlers[task.kind] ?? unknownKind)(payload, {
        task,
        signal,
        note: (progress) => keeper.note(progress),
        stillOurs: () => {
          if (!keeper.holds) throw keeper.lost.reason;
        },
      });
      await queue.finish(claim, result);
      listener.ended(task.kind, "done");
    } catch (error) {
      if (keeper.lost.aborted) throw keeper.lost.reason;
      if (hasCode(error, "CLAIM_LOST")) throw error;
      if (stop.aborted) {
        await keeper.renewNow();
        await queue.release(claim);
        listener.ended(task.kind, "given-back");
        return;
      }
      const retryable = error instanceof CloudPhoenixError && error.retryable;
      const againInMs = retryable ? retryDelayMs(task.attempts, random) : null;
      const status = await queue.fail(claim, failureOf(error), againInMs);
      listener.ended(task.kind, status === "set-aside" ? "set-aside" : "failed");
      listener.trouble(`${task.kind} ${task.key}, attempt ${task.attempts}: ${messageOf(error)}`);
    }
  }
}

function unknownKind(): Promise<Json> {
  const message = "this worker does not know how to do that";
  return Promise.reject(new CloudPhoenixError("INTERNAL", message, { retryable: false }));
}

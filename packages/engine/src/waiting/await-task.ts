import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { Task, WorkQueue } from "../ports/work-queue.ts";
import { pollUntil } from "./poll-until.ts";

const ASK_EVERY_MS = 100;

export interface TaskWait {
  readonly queue: Pick<WorkQueue, "read">;
  readonly clock: Clock;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/**
 * The task once it is done. It goes on if the wait ends before.
 * @throws {CloudPhoenixError} `TIMED_OUT` (retryable), `ABORTED`, `NOT_FOUND`; `CONFLICT` naming
 *   the reason if it was cancelled or set aside
 */
export async function awaitTask(taskId: string, wait: TaskWait): Promise<Task> {
  const { queue, clock, limitMs, signal } = wait;
  const task = await pollUntil({
    clock,
    intervalMs: ASK_EVERY_MS,
    limitMs,
    signal,
    ask: () => queue.read(taskId),
    missing: ({ status, kind, holder }) =>
      status === "waiting" || status === "claimed"
        ? `${kind} is ${status === "claimed" ? `being done by ${holder}` : "waiting for a worker"}`
        : null,
  });
  if (task.status === "done") return task;
  const why = task.failure === null ? "" : `: ${task.failure.message}`;
  throw new CloudPhoenixError("CONFLICT", `${task.kind} was ${endText(task)}${why}`, {
    retryable: false,
    hint: "Look at the log of the worker that had it, mend what it names, then try again.",
  });
}

function endText({ status, attempts }: Task): string {
  return status === "cancelled" ? "cancelled" : `set aside after ${attempts} attempts`;
}

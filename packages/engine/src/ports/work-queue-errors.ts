/** How every work queue says no, and what it refuses. */
import { CloudPhoenixError, type Json } from "@cloudphoenix/core";
import { TASK_JSON_MAX_BYTES, type TaskFailure } from "./work-queue.ts";

/** What a task is set aside with whose workers all vanished. */
export const LOST_TOO_OFTEN: TaskFailure = {
  code: "CLAIM_LOST",
  message: "every worker that took it vanished before it was done",
};

/**
 * `value` as text that is small enough to be stored.
 * @throws {CloudPhoenixError} `BAD_REQUEST`
 */
export function taskJson(value: Json, what: "payload" | "result"): string {
  const text = JSON.stringify(value);
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= TASK_JSON_MAX_BYTES) return text;
  throw new CloudPhoenixError(
    "BAD_REQUEST",
    `the ${what} of a task has ${bytes} bytes, ${TASK_JSON_MAX_BYTES} are allowed`,
    { retryable: false, hint: "Cut the work into smaller tasks." },
  );
}

/** The claim is another's by now, or the task has ended. */
export function claimLost(taskId: string): CloudPhoenixError {
  return new CloudPhoenixError("CLAIM_LOST", `task ${taskId} is no longer ours`, {
    retryable: false,
    hint: "Nothing to do: whoever has it now goes on with it.",
  });
}

export function noSuchTask(taskId: string): CloudPhoenixError {
  return new CloudPhoenixError("NOT_FOUND", `there is no task ${taskId}`, { retryable: false });
}

export function notSetAside(taskId: string): CloudPhoenixError {
  return new CloudPhoenixError("CONFLICT", `task ${taskId} is not set aside`, {
    retryable: false,
    hint: "Only a task that was given up can be given its attempts again.",
  });
}

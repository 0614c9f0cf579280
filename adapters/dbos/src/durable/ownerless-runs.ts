/**
 * Runs, and branches of runs, that were taken from the queue by a process that executes them no more.
 *
 * DBOS recovers such workflows at launch only. A former leader that was frozen can take one after the
 * next leader has launched, and leave: it would stay unfinished for ever, and block every other run.
 *
 * 1. Taken over is what two looks in a row found begun by the same taking and not executed here: between
 *    the taking and the beginning, and between the end and its record, there is a moment.
 * 2. A takeover hands the workflow to the queue without an owner, so whatever its former executor records
 *    late is refused. It also sets the count of recoveries back to 0.
 * 3. An answer that took long may be from before somebody else led: it counts for nothing.
 */
import { messageOf } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";
import { DBOS, StatusString, type WorkflowStatus } from "@dbos-inc/dbos-sdk";
import type { Log } from "../log.ts";
import { QUEUE } from "./run-queue.ts";

const LOOK_MS = 2_000;
/** The same workflow is not taken over again within this time. */
const AGAIN_AFTER_MS = 10_000;

export interface OwnerlessRunsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** What is looked for: runs and branches. */
  readonly workflowNames: readonly string[];
  /** Workflows of another version are left alone. */
  readonly applicationVersion: string;
  /** Once it aborts, another process may be in charge of the runs. */
  readonly gone: AbortSignal;
}

export class OwnerlessRuns {
  readonly #options: OwnerlessRunsOptions;
  /** How many executions of each workflow are under way in this process. */
  readonly #executing = new Map<string, number>();
  readonly #takenAtMs = new Map<string, number>();
  #couldLook = true;

  constructor(options: OwnerlessRunsOptions) {
    this.#options = options;
  }

  /** `work` is the function of the workflow this is called in: until it settles, it is executed here. */
  async executes<T>(work: () => Promise<T>): Promise<T> {
    const id = DBOS.workflowID ?? "";
    this.#executing.set(id, (this.#executing.get(id) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#executing.get(id) ?? 1) - 1;
      if (left > 0) this.#executing.set(id, left);
      else this.#executing.delete(id);
    }
  }

  /** Looks every 2 s until `gone` aborts; does not reject. After `DBOS.launch`. */
  async watch(): Promise<void> {
    const { clock, gone } = this.#options;
    let before: ReadonlySet<string> = new Set();
    while (!gone.aborted) {
      await clock.sleep(LOOK_MS, gone).catch(() => undefined);
      if (!gone.aborted) before = await this.#look(before);
    }
  }

  /** @returns the takings that nobody here executes; none if that is not known */
  async #look(before: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const { log, gone } = this.#options;
    try {
      const found = await this.#ownerless();
      await this.#takeOver(found.filter((workflow) => before.has(taking(workflow))));
      this.#couldLook = true;
      return new Set(found.map(taking));
    } catch (error) {
      if (this.#couldLook && !gone.aborted) {
        log("warn", `runs without an owner could not be looked for: ${messageOf(error)}`);
      }
      this.#couldLook = false;
      return new Set();
    }
  }

  async #ownerless(): Promise<readonly WorkflowStatus[]> {
    const { clock, gone, workflowNames, applicationVersion } = this.#options;
    const askedAtMs = clock.now();
    const begun = await DBOS.listWorkflows({
      status: StatusString.PENDING,
      workflowName: [...workflowNames],
      applicationVersion,
      loadInput: false,
      loadOutput: false,
    });
    if (gone.aborted || clock.now() - askedAtMs > LOOK_MS) return [];
    return begun.filter(({ workflowID }) => !this.#executing.has(workflowID));
  }

  async #takeOver(workflows: readonly WorkflowStatus[]): Promise<void> {
    const { clock, log } = this.#options;
    const nowMs = clock.now();
    for (const [id, atMs] of this.#takenAtMs) {
      if (nowMs - atMs >= AGAIN_AFTER_MS) this.#takenAtMs.delete(id);
    }
    const ids = workflows.map(({ workflowID }) => workflowID);
    const due = ids.filter((id) => !this.#takenAtMs.has(id));
    if (due.length === 0) return;
    for (const id of due) {
      this.#takenAtMs.set(id, nowMs);
      log("warn", `run ${id} was begun and nobody executes it any more: it is taken over`);
    }
    await DBOS.resumeWorkflows(due, { queueName: QUEUE });
  }
}

/** Names one taking from the queue; a workflow that is taken again has another. */
function taking({ workflowID, dequeuedAt }: WorkflowStatus): string {
  return `${workflowID} at ${dequeuedAt ?? "no time"}`;
}

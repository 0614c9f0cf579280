/**
 * The durable context on DBOS. Each method maps to one journaled DBOS call:
 *
 * 1. `step` → `runStep`; its result is the checkpoint.
 * 2. `sleep` → `sleep`, `receive` → `recv` with an explicit timeout (the default of DBOS is 60 s).
 * 3. `branches` → child workflows, started in plan order. Chains of steps under one `Promise.all`
 *    would break replay, because DBOS numbers steps in call order.
 * 4. Once this process may no longer act, nothing returns to the interpreter any more: a step that
 *    was aborted for that reason must run again under the next leader, not count as an outcome.
 */
import type { Json, Plan, RunCommand } from "@cloudphoenix/core";
import type { DurableContext } from "@cloudphoenix/engine";
import { DBOS, type WorkflowHandle } from "@dbos-inc/dbos-sdk";
import type { Log } from "../log.ts";
import type { InFlightSteps } from "./in-flight.ts";

/** Topic of operator commands in the mailbox of a run. */
export const COMMANDS = "commands";

/** One wait for a command lasts at most this long; DBOS keeps its deadline in one timer. */
const RECEIVE_MAX_MS = 24 * 3_600_000;
/** How often the end of a branch is looked for: the share of it in a plan's duration. */
const BRANCH_POLL_MS = 50;

/** What a context shares with the runner it belongs to. */
export interface RunnerProcess {
  readonly inFlight: InFlightSteps;
  /** Aborts when this process may no longer act. */
  readonly gone: AbortSignal;
  /** One line per operation that really begins, replayed ones not: the log shows what was repeated. */
  readonly log: Log;
  /** Starts the branch, or attaches to it if it was started before. */
  readonly startBranch: (
    workflowID: string,
    branch: readonly [runId: string, plan: Plan, stepId: string],
  ) => Promise<WorkflowHandle<Json>>;
}

export class DbosContext implements DurableContext {
  readonly runId: string;
  readonly #process: RunnerProcess;
  #branchings = 0;

  constructor(runId: string, process: RunnerProcess) {
    this.runId = runId;
    this.#process = process;
  }

  async step<T extends Json>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { inFlight, gone, log } = this.#process;
    return DBOS.runStep(
      async () => {
        await stopHereIf(gone);
        log("info", `run ${this.runId} begins ${name}`);
        const settled = inFlight.track(this.runId, gone, work);
        try {
          return await settled;
        } finally {
          await stopHereIf(gone);
        }
      },
      { name },
    );
  }

  async sleep(ms: number): Promise<void> {
    await DBOS.sleep(ms);
    await stopHereIf(this.#process.gone);
  }

  async receive(timeoutMs: number): Promise<RunCommand | null> {
    for (let leftMs = Math.max(0, timeoutMs); ; leftMs -= RECEIVE_MAX_MS) {
      const timeoutSeconds = Math.min(leftMs, RECEIVE_MAX_MS) / 1000;
      const command = await DBOS.recv<RunCommand>(COMMANDS, { timeoutSeconds });
      await stopHereIf(this.#process.gone);
      if (command !== null || leftMs <= RECEIVE_MAX_MS) return command;
    }
  }

  async branches(plan: Plan, stepIds: readonly string[]): Promise<readonly Json[]> {
    this.#branchings += 1;
    const handles: WorkflowHandle<Json>[] = [];
    for (const stepId of stepIds) {
      const id = `${this.runId}/${this.#branchings}/${stepId}`;
      handles.push(await this.#process.startBranch(id, [this.runId, plan, stepId]));
    }
    const outcomes: Json[] = [];
    for (const handle of handles) {
      outcomes.push(await handle.getResult({ pollingIntervalMs: BRANCH_POLL_MS }));
    }
    await stopHereIf(this.#process.gone);
    return outcomes;
  }
}

/** Never resolves once `gone` has aborted: the interpreter stands still until the process ends. */
async function stopHereIf(gone: AbortSignal): Promise<void> {
  if (gone.aborted) await new Promise<never>(() => undefined);
}

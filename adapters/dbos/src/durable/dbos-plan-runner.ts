/**
 * Runs plans on DBOS Transact.
 *
 * 1. One interpreter workflow serves every plan; the frozen plan is its input, so replay sees
 *    what the first execution saw.
 * 2. Launched only by the leader, with a constant executor id: whoever leads next takes over
 *    every unfinished run, and later those that a former leader took late and left
 *    (`OwnerlessRuns`). Two launched processes would both run a step in flight.
 * 3. The application version is a constant. A run made by another version is not resumed: the
 *    launch reports and cancels it, so that no older release goes on with it behind our back.
 * 4. One runner per process: DBOS keeps its registry per process.
 */
import {
  CloudPhoenixError,
  type Json,
  type Plan,
  type RunCommand,
  type RunningRun,
  messageOf,
} from "@cloudphoenix/core";
import type { Clock, Leadership, PlanRunner, RunProgram } from "@cloudphoenix/engine";
import { DBOS, StatusString, type WorkflowStatus } from "@dbos-inc/dbos-sdk";
import type { Pool } from "pg";
import type { Log } from "../log.ts";
import { stateError } from "../state/state-connection.ts";
import { COMMANDS, DbosContext, type RunnerProcess } from "./dbos-context.ts";
import { dbosLog } from "./dbos-log.ts";
import { InFlightSteps } from "./in-flight.ts";
import { journalPool } from "./journal-pool.ts";
import { OwnerlessRuns } from "./ownerless-runs.ts";
import { silencePgQueueWarning } from "./quiet-pg.ts";
import { QUEUE, RunQueue } from "./run-queue.ts";

/** What runs (`interpret` must be deterministic but for what its context returns), and where. */
export interface DbosPlanRunnerOptions extends RunProgram {
  /** Address of the state database, which exists; password included if it needs one. */
  readonly url: string;
  /** Proof of being the leader; once it is lost, nothing more is recorded. */
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly log: Log;
}

/** A run that needs a person, found at launch. */
export interface LaunchConcern {
  readonly runId: string;
  /** `other-version`: made by an incompatible release, will not be resumed. `often-recovered`. */
  readonly kind: "other-version" | "often-recovered";
  readonly detail: string;
}

/** Bump only when the interpreter can no longer replay what an older one journaled. */
const APPLICATION_VERSION = "plan-engine-4";
/** Constant, because unfinished runs are resumed by executor id. */
const EXECUTOR_ID = "controller";
/** A crash loop must never retire a failover; see `OFTEN_RECOVERED` for the alarm instead. */
const MAX_RECOVERY_ATTEMPTS = 1_000_000;
const OFTEN_RECOVERED = 20;
const RUN = "runPlan";
const BRANCH = "runBranch";
const END_POLL_MS = 100;
const ALIVE = [StatusString.PENDING, StatusString.ENQUEUED, StatusString.DELAYED] as const;

export class DbosPlanRunner implements PlanRunner {
  /** Runs that this launch found and that a person should look at. */
  readonly concerns: readonly LaunchConcern[];
  /** Unfinished runs this launch goes on with; some may have no record yet. */
  readonly resumed: readonly RunningRun[];
  readonly #host: Host;

  private constructor(host: Host, found: Pick<DbosPlanRunner, "concerns" | "resumed">) {
    this.#host = host;
    this.concerns = found.concerns;
    this.resumed = found.resumed;
  }

  /**
   * Connects, creates or migrates the schema `dbos`, and resumes every unfinished run.
   * @throws {CloudPhoenixError} `NOT_LEADER` if leadership is lost already, `STATE_UNAVAILABLE`
   *   (retryable) if the database cannot be used
   */
  static async launch(options: DbosPlanRunnerOptions): Promise<DbosPlanRunner> {
    if (options.leadership.lost.aborted) {
      throw notActing("leadership was lost before the runner started");
    }
    const host = new Host(options);
    try {
      await host.launch();
      const alive = await DBOS.listWorkflows({ status: [...ALIVE], loadInput: true });
      const others = alive.filter(isOfOtherVersion).map(({ workflowID }) => workflowID);
      if (others.length > 0) await DBOS.cancelWorkflows(others);
      const ours = alive.filter((run) => !isOfOtherVersion(run));
      await host.open(ours);
      const concerns = concernsAbout(alive, options.log);
      return new DbosPlanRunner(host, { concerns, resumed: ours.flatMap(resumedRun) });
    } catch (cause) {
      await host.close();
      throw new CloudPhoenixError(
        "STATE_UNAVAILABLE",
        `the plan runner could not start: ${messageOf(cause)}`,
        { retryable: true, hint: "Check that the state database runs and accepts us.", cause },
      );
    }
  }

  /** @throws {CloudPhoenixError} `NOT_LEADER`, `STATE_UNAVAILABLE` (both retryable) */
  async start(plan: Plan, startedBy: string): Promise<void> {
    await this.#acting(() => this.#host.startRun(plan, startedBy));
  }

  async command(runId: string, command: RunCommand, key: string): Promise<void> {
    await this.#acting(async () => {
      const run = await DBOS.getWorkflowStatus(runId);
      if (run === null || !isAlive(run)) throw noSuchRun(runId);
      await DBOS.send(runId, command, COMMANDS, key);
      // Sent first: the aborted step must find the reason in its mailbox.
      if (command.kind === "cancel") this.#host.inFlight.abort(runId);
    });
  }

  /**
   * @throws {CloudPhoenixError} `NOT_FOUND` for a run that was never started, `INTERNAL` for one
   *   that ended by a defect, `NOT_LEADER` when this process stops acting
   */
  async ended(runId: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const run = await this.#acting(() => DBOS.getWorkflowStatus(runId));
      if (run === null) throw noSuchRun(runId);
      if (run.status === StatusString.SUCCESS) return;
      if (!isAlive(run)) throw brokenRun(run);
      await this.#host.clock.sleep(END_POLL_MS, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  /**
   * Why nothing will ever go on with this run; null while something does. A run that has a record
   * was started, so one the engine does not know is gone.
   * @throws {CloudPhoenixError} `NOT_LEADER`, `STATE_UNAVAILABLE` (both retryable)
   */
  async brokenBecause(runId: string): Promise<string | null> {
    const run = await this.#acting(() => DBOS.getWorkflowStatus(runId));
    if (run === null) return "the engine knows nothing of it";
    if (isOfOtherVersion(run)) return otherVersionText(run);
    if (isAlive(run)) return null;
    if (run.status === StatusString.SUCCESS) return "it ended without saying how";
    return `it ended as ${run.status}: ${messageOf(run.error)}`;
  }

  /** Stops acting in this process; unfinished runs stay unfinished and resume at the next launch. */
  async close(): Promise<void> {
    await this.#host.close();
  }

  /** `work` while this process may act; its failures in CloudPhoenix's words. */
  async #acting<T>(work: () => Promise<T>): Promise<T> {
    const { gone } = this.#host;
    try {
      if (!gone.aborted) return await work();
    } catch (error) {
      if (error instanceof CloudPhoenixError) throw error;
      if (!gone.aborted) throw stateError(error);
    }
    throw notActing("this process no longer acts");
  }
}

/** The DBOS of this process: registration, launch, shutdown. */
class Host implements RunnerProcess {
  readonly inFlight = new InFlightSteps();
  readonly gone: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  readonly #closing = new AbortController();
  readonly #journal: Pool;
  readonly #queue: RunQueue;
  readonly #ownerless: OwnerlessRuns;
  readonly #restoreWarnings = silencePgQueueWarning();
  readonly #run: (plan: Plan, startedBy: string) => Promise<Json>;
  readonly #branch: (runId: string, plan: Plan, stepId: string) => Promise<Json>;

  constructor(options: DbosPlanRunnerOptions) {
    const { interpret, executeBranch, leadership } = options;
    this.clock = options.clock;
    this.log = options.log;
    this.gone = AbortSignal.any([this.#closing.signal, leadership.lost]);
    this.#journal = journalPool(options.url, options.log);
    this.#queue = new RunQueue(options.log, this.gone);
    this.#ownerless = new OwnerlessRuns({
      clock: options.clock,
      log: options.log,
      workflowNames: [RUN, BRANCH],
      applicationVersion: APPLICATION_VERSION,
      gone: this.gone,
    });
    DBOS.setConfig({
      name: "cloudphoenix",
      systemDatabaseUrl: options.url,
      systemDatabasePool: this.#journal,
      systemDatabaseSchemaName: "dbos",
      executorID: EXECUTOR_ID,
      applicationVersion: APPLICATION_VERSION,
      enablePatching: true,
      logger: dbosLog(options.log, options.clock),
    });
    const config = { maxRecoveryAttempts: MAX_RECOVERY_ATTEMPTS };
    this.#run = DBOS.registerWorkflow(
      async (plan: Plan, startedBy: string) => {
        this.log("info", `run ${plan.id} is picked up`);
        this.#queue.begins(plan.id);
        try {
          return await this.#ownerless.executes(() =>
            interpret(new DbosContext(plan.id, this), plan, startedBy),
          );
        } finally {
          this.#queue.ends(plan.id);
        }
      },
      { ...config, name: RUN },
    );
    this.#branch = DBOS.registerWorkflow(
      (runId: string, plan: Plan, stepId: string) =>
        this.#ownerless.executes(() => executeBranch(new DbosContext(runId, this), plan, stepId)),
      { ...config, name: BRANCH },
    );
  }

  async launch(): Promise<void> {
    await DBOS.launch();
  }

  /** Takes over the runs (and branches of runs) that are alive, and from now on those that lose their owner. */
  async open(alive: readonly WorkflowStatus[]): Promise<void> {
    for (const { workflowID, workflowName } of alive) {
      if (workflowName === RUN) this.#queue.begins(workflowID);
    }
    await this.#queue.open();
    void this.#ownerless.watch();
  }

  async startRun(plan: Plan, startedBy: string): Promise<void> {
    const start = DBOS.startWorkflow(this.#run, { workflowID: plan.id, queueName: QUEUE });
    this.#queue.begins(plan.id);
    try {
      await start(plan, startedBy);
    } catch (error) {
      this.#queue.ends(plan.id);
      throw error;
    }
  }

  readonly startBranch: RunnerProcess["startBranch"] = (workflowID, branch) =>
    DBOS.startWorkflow(this.#branch, { workflowID, queueName: QUEUE })(...branch);

  async close(): Promise<void> {
    this.#closing.abort();
    await DBOS.shutdown({ deregister: true });
    if (!this.#journal.ended) await this.#journal.end();
    this.#restoreWarnings();
  }
}

/** What is taken over, if it is a run. */
function resumedRun({ workflowName, input }: WorkflowStatus): readonly RunningRun[] {
  const plan = input?.[0];
  return workflowName === RUN && isPlan(plan)
    ? [{ id: plan.id, kind: plan.kind, to: plan.to }]
    : [];
}

/** Only `start` wrote it, which takes nothing but plans. */
function isPlan(input: unknown): input is Plan {
  return typeof input === "object" && input !== null && "id" in input && "kind" in input;
}

function concernsAbout(alive: readonly WorkflowStatus[], log: Log): readonly LaunchConcern[] {
  const concerns = alive.flatMap(concernsOf);
  for (const concern of concerns) log("warn", `run ${concern.runId}: ${concern.detail}`);
  return concerns;
}

function concernsOf(run: WorkflowStatus): readonly LaunchConcern[] {
  const runId = run.workflowID;
  if (isOfOtherVersion(run)) {
    return [{ runId, kind: "other-version", detail: `unfinished: ${otherVersionText(run)}` }];
  }
  const recoveries = run.recoveryAttempts ?? 0;
  if (recoveries < OFTEN_RECOVERED) return [];
  return [{ runId, kind: "often-recovered", detail: `resumed ${recoveries} times already` }];
}

function isOfOtherVersion({ applicationVersion }: WorkflowStatus): boolean {
  return (applicationVersion ?? APPLICATION_VERSION) !== APPLICATION_VERSION;
}

function otherVersionText({ applicationVersion }: WorkflowStatus): string {
  return `it was begun by a release with engine version ${applicationVersion ?? "(none)"}, and this one (${APPLICATION_VERSION}) cannot go on with it`;
}

function isAlive(run: WorkflowStatus): boolean {
  return ALIVE.some((status) => status === run.status);
}

function notActing(because: string): CloudPhoenixError {
  return new CloudPhoenixError("NOT_LEADER", because, {
    retryable: true,
    hint: "Ask the controller that leads; this one restarts as a standby.",
  });
}

function noSuchRun(runId: string): CloudPhoenixError {
  return new CloudPhoenixError("NOT_FOUND", `no run ${runId} is alive`, {
    retryable: false,
    hint: "List the runs and use the id of one that has not ended.",
  });
}

function brokenRun(run: WorkflowStatus): CloudPhoenixError {
  return new CloudPhoenixError(
    "INTERNAL",
    `run ${run.workflowID} ended as ${run.status}: ${messageOf(run.error)}`,
    { retryable: false, hint: "Report this with the log of the controller.", cause: run.error },
  );
}

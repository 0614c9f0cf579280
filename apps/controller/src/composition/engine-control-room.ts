/** The control room on the real engine: the decision loop and the plan runner of a leader. */

import { setTimeout as wait } from "node:timers/promises";
import {
  type Decision,
  type LossReport,
  pendingStep,
  type Plan,
  type PlanKind,
  type RunRecord,
  type SiteId,
} from "@cloudphoenix/core";
import {
  BlockedRequest,
  type DatabaseControl,
  type DecisionLoop,
  type FactStore,
  type PlanRunner,
  type QuarantineDesk,
  type RunStore,
  type SetupDesk,
} from "@cloudphoenix/engine";
import type {
  ControlRoom,
  DecisionContext,
  DryRun,
  MaintenanceOrder,
  OrderOutcome,
  PlanQuestion,
  RunOrder,
} from "../api/control-room.ts";
import type { DecisionJournal } from "../events/decision-journal.ts";
import { measureLossOf } from "./run-loss.ts";

const RECORD_POLL_MS = 50;
/** A runner that is busy, or whose database is slow, writes it later: then the order is answered without. */
const RECORD_TRIES = 40;

export interface ControlRoomParts {
  readonly epoch: number;
  readonly loop: DecisionLoop;
  readonly runner: PlanRunner;
  readonly runs: Pick<RunStore, "get">;
  readonly journal: DecisionJournal;
  readonly database: Pick<DatabaseControl, "fence" | "inspect" | "measureLoss">;
  readonly facts: FactStore;
  readonly quarantine: QuarantineDesk;
  readonly replicationSetup: SetupDesk;
}

export class EngineControlRoom implements ControlRoom {
  readonly epoch: number;
  readonly runner: Pick<PlanRunner, "command">;
  readonly quarantine: ControlRoom["quarantine"];
  readonly replicationSetup: ControlRoom["replicationSetup"];
  readonly #parts: ControlRoomParts;

  constructor(parts: ControlRoomParts) {
    this.epoch = parts.epoch;
    this.runner = parts.runner;
    this.quarantine = parts.quarantine;
    this.replicationSetup = parts.replicationSetup;
    this.#parts = parts;
  }

  latest(): DecisionContext | null {
    return this.#parts.journal.latest;
  }

  decisions(limit: number): readonly Decision[] {
    return this.#parts.journal.newest(limit);
  }

  async dryRun(question: PlanQuestion, signal: AbortSignal): Promise<DryRun> {
    const { kind, acceptLoss } = question;
    return this.#parts.loop.planDryRun({ kind, acceptLoss, ...sitesOf(question) }, signal);
  }

  newRunId(kind: PlanKind): string {
    return this.#parts.loop.newRunId(kind);
  }

  async order(order: RunOrder): Promise<OrderOutcome> {
    const { id, kind, acceptLoss, reason, by } = order;
    try {
      const plan = await this.#parts.loop.request({
        kind,
        acceptLoss,
        reason,
        by,
        ...sitesOf(order),
        ...(id === undefined ? {} : { id }),
      });
      return { kind: "started", run: await this.#recordOf(plan, order.by) };
    } catch (error) {
      if (!(error instanceof BlockedRequest)) throw error;
      return { kind: "blocked", guards: error.guards, findings: [] };
    }
  }

  /** As soon as the run has written its first note, so that whoever asks for it next finds it. */
  async #recordOf(plan: Plan, by: string): Promise<RunRecord> {
    for (let triesLeft = RECORD_TRIES; triesLeft > 0; triesLeft -= 1) {
      const run = await this.#parts.runs.get(plan.id);
      if (run !== null) return run;
      await wait(RECORD_POLL_MS);
    }
    return startingRun(plan, by);
  }

  async maintain(order: MaintenanceOrder): Promise<void> {
    await this.#parts.loop.maintenance(order);
  }

  measureLoss(run: RunRecord, signal: AbortSignal): Promise<LossReport> {
    return measureLossOf(run, this.#parts, signal);
  }
}

/** The sites that were named. */
function sitesOf({ target, from }: PlanQuestion): {
  readonly target?: SiteId;
  readonly from?: SiteId;
} {
  return {
    ...(target === undefined ? {} : { target }),
    ...(from === undefined ? {} : { from }),
  };
}

/** The record of a run whose first note the runner has not written yet. */
function startingRun(plan: Plan, by: string): RunRecord {
  return {
    id: plan.id,
    plan,
    status: "running",
    startedBy: `operator:${by}`,
    startedAtMs: plan.createdAtMs,
    endedAtMs: null,
    steps: plan.steps.map(({ id }) => pendingStep(id)),
    waitingFor: null,
    question: null,
    approvals: [],
  };
}

/** The control room on the real engine: the decision loop and the plan runner of a leader. */

import {
  type Decision,
  hasCode,
  judgeRequest,
  type LossReport,
  pendingStep,
  type Plan,
  type PlanKind,
  type RunRecord,
} from "@cloudphoenix/core";
import type {
  DatabaseControl,
  DecisionLoop,
  FactStore,
  PlanRunner,
  QuarantineDesk,
  RunStore,
  SetupDesk,
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
    const { kind, target, acceptLoss } = question;
    const wanted = { kind, ...(target === undefined ? {} : { target }) };
    const seen = await this.#parts.loop.planDryRun(wanted, signal);
    const situation = this.latest()?.situation;
    if (!acceptLoss || situation === undefined) return seen;
    // The same guards, asked the way the order itself will ask them.
    return { ...seen, guards: judgeRequest(situation, { ...wanted, acceptLoss }).guards };
  }

  newRunId(kind: PlanKind): string {
    return this.#parts.loop.newRunId(kind);
  }

  async order(order: RunOrder): Promise<OrderOutcome> {
    const { target, id, ...rest } = order;
    try {
      const plan = await this.#parts.loop.request({
        ...rest,
        ...(target === undefined ? {} : { target }),
        ...(id === undefined ? {} : { id }),
      });
      const run = (await this.#parts.runs.get(plan.id)) ?? startingRun(plan, order.by);
      return { kind: "started", run };
    } catch (error) {
      const guards = this.#blockersOf(order);
      if (!hasCode(error, "GUARD_BLOCKED") || guards.length === 0) throw error;
      return { kind: "blocked", guards, findings: [] };
    }
  }

  async maintain(order: MaintenanceOrder): Promise<void> {
    await this.#parts.loop.maintenance(order);
  }

  measureLoss(run: RunRecord, signal: AbortSignal): Promise<LossReport> {
    return measureLossOf(run, this.#parts, signal);
  }

  #blockersOf(order: RunOrder): ReturnType<typeof judgeRequest>["blocked"] {
    const situation = this.latest()?.situation;
    return situation === undefined ? [] : judgeRequest(situation, order).blocked;
  }
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

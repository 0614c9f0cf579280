/** Run store without a database: records are copied in and out, as if they had been stored. */
import {
  type Approval,
  CloudPhoenixError,
  type Plan,
  type RunEvent,
  type RunRecord,
  type StepRecord,
  pendingStep,
} from "@cloudphoenix/core";
import type { RunStatusChange, RunStore } from "../ports/state-store.ts";

interface StoredRun {
  record: RunRecord;
  /** Of the newest status. */
  order: number;
  /** Of the newest record of each step. */
  readonly stepOrders: Map<string, number>;
  readonly events: RunEvent[];
}

export class MemoryRunStore implements RunStore {
  readonly #runs = new Map<string, StoredRun>();

  async create(run: {
    readonly plan: Plan;
    readonly startedBy: string;
    readonly atMs: number;
  }): Promise<void> {
    const { plan, startedBy, atMs } = structuredClone(run);
    if (this.#runs.has(plan.id)) return;
    const record: RunRecord = {
      id: plan.id,
      plan,
      status: "running",
      startedBy,
      startedAtMs: atMs,
      endedAtMs: null,
      steps: plan.steps.map((step) => pendingStep(step.id)),
      waitingFor: null,
      question: null,
      approvals: [],
    };
    this.#runs.set(plan.id, { record, order: 0, stepOrders: new Map(), events: [] });
  }

  async setStatus(runId: string, { order, ...change }: RunStatusChange): Promise<void> {
    const run = this.#find(runId);
    if (order < run.order) return;
    run.order = order;
    run.record = { ...run.record, ...change };
  }

  async putStep(runId: string, step: StepRecord, order: number): Promise<void> {
    const run = this.#find(runId);
    if (order < (run.stepOrders.get(step.id) ?? 0)) return;
    run.stepOrders.set(step.id, order);
    const copy = structuredClone(step);
    const steps = run.record.steps.map((kept) => (kept.id === copy.id ? copy : kept));
    run.record = { ...run.record, steps };
  }

  async addApproval(runId: string, approval: Approval): Promise<void> {
    const run = this.#find(runId);
    const { approvals } = run.record;
    if (approvals.some((kept) => kept.by === approval.by && kept.atMs === approval.atMs)) {
      return;
    }
    run.record = { ...run.record, approvals: [...approvals, { ...approval }] };
  }

  async addEvent(event: RunEvent): Promise<void> {
    const { events } = this.#find(event.runId);
    if (!events.some((kept) => kept.key === event.key)) events.push({ ...event });
  }

  async get(runId: string): Promise<RunRecord | null> {
    return structuredClone(this.#runs.get(runId)?.record ?? null);
  }

  async list(limit: number): Promise<readonly RunRecord[]> {
    const newestFirst = [...this.#runs.values()].toReversed().slice(0, limit);
    return structuredClone(newestFirst.map((run) => run.record));
  }

  async events(runId: string): Promise<readonly RunEvent[]> {
    return structuredClone(this.#runs.get(runId)?.events ?? []);
  }

  #find(runId: string): StoredRun {
    const run = this.#runs.get(runId);
    if (run !== undefined) return run;
    throw new CloudPhoenixError("NOT_FOUND", `no run ${runId}`, { retryable: false });
  }
}

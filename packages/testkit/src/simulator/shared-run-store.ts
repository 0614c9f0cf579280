/**
 * The run store of the simulated state database. Records are immutable, so they are handed out as
 * they are: copying them took a tenth of the simulator's time.
 */
import {
  type Approval,
  CloudPhoenixError,
  type Plan,
  type RunEvent,
  type RunRecord,
  type StepRecord,
  pendingStep,
} from "@cloudphoenix/core";
import type { RunStatusChange, RunStore } from "@cloudphoenix/engine";

export class SharedRunStore implements RunStore {
  readonly #records = new Map<string, RunRecord>();
  /** Of the newest status of each run. */
  readonly #orders = new Map<string, number>();
  /** Of the newest record of each step of each run. */
  readonly #stepOrders = new Map<string, Map<string, number>>();
  readonly #events = new Map<string, RunEvent[]>();

  async create(run: {
    readonly plan: Plan;
    readonly startedBy: string;
    readonly atMs: number;
  }): Promise<void> {
    const { plan, startedBy, atMs } = run;
    if (this.#records.has(plan.id)) return;
    this.#events.set(plan.id, []);
    this.#stepOrders.set(plan.id, new Map());
    this.#records.set(plan.id, {
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
    });
  }

  async setStatus(runId: string, { order, ...change }: RunStatusChange): Promise<void> {
    const run = this.#find(runId);
    if (order < (this.#orders.get(runId) ?? 0)) return;
    this.#orders.set(runId, order);
    this.#records.set(runId, { ...run, ...change });
  }

  async putStep(runId: string, step: StepRecord, order: number): Promise<void> {
    const run = this.#find(runId);
    const orders = this.#stepOrders.get(runId);
    if (order < (orders?.get(step.id) ?? 0)) return;
    orders?.set(step.id, order);
    const steps = run.steps.map((kept) => (kept.id === step.id ? step : kept));
    this.#records.set(runId, { ...run, steps });
  }

  async addApproval(runId: string, approval: Approval): Promise<void> {
    const run = this.#find(runId);
    const known = run.approvals.some(
      (kept) => kept.by === approval.by && kept.atMs === approval.atMs,
    );
    if (known) return;
    this.#records.set(runId, { ...run, approvals: [...run.approvals, approval] });
  }

  async addEvent(event: RunEvent): Promise<void> {
    this.#find(event.runId);
    const events = this.#events.get(event.runId) ?? [];
    if (!events.some((kept) => kept.key === event.key)) events.push(event);
  }

  async get(runId: string): Promise<RunRecord | null> {
    return this.#records.get(runId) ?? null;
  }

  async list(limit: number): Promise<readonly RunRecord[]> {
    return [...this.#records.values()].toReversed().slice(0, limit);
  }

  async events(runId: string): Promise<readonly RunEvent[]> {
    return [...(this.#events.get(runId) ?? [])];
  }

  #find(runId: string): RunRecord {
    const run = this.#records.get(runId);
    if (run !== undefined) return run;
    throw new CloudPhoenixError("NOT_FOUND", `no run ${runId}`, { retryable: false });
  }
}

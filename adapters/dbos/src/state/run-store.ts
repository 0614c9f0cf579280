import {
  type Approval,
  CloudPhoenixError,
  type Plan,
  type RunEvent,
  type RunRecord,
  type RunStatus,
  type StepRecord,
  pendingStep,
} from "@cloudphoenix/core";
import type { RunStatusChange, RunStore } from "@cloudphoenix/engine";
import type { StateConnection } from "./state-connection.ts";
import { storedJson, storedText } from "./stored-json.ts";

interface RunRow {
  readonly id: string;
  readonly plan: Plan;
  readonly status: RunStatus;
  readonly started_by: string;
  readonly started_at_ms: string;
  readonly ended_at_ms: string | null;
  readonly waiting_for: string | null;
  readonly question: number | null;
  readonly steps: readonly StoredStep[];
  readonly approvals: readonly Approval[];
}

/** A record of a step as it is kept: with its order, which a step nothing happened to does not have. */
interface StoredStep extends StepRecord {
  readonly order?: number;
}

interface EventRow {
  readonly run_id: string;
  readonly key: string;
  readonly at_ms: string;
  readonly kind: RunEvent["kind"];
  readonly step: string | null;
  readonly text: string;
}

const RUN_COLUMNS =
  "id, plan, status, started_by, started_at_ms, ended_at_ms, waiting_for, question, steps, approvals";

/**
 * Runs in one row each, their step records inside: a page of runs is one indexed query. Branches
 * of a run record their steps at the same time, which the row lock puts in order.
 */
export class PostgresRunStore implements RunStore {
  readonly #state: StateConnection;

  constructor(state: StateConnection) {
    this.#state = state;
  }

  async create(run: {
    readonly plan: Plan;
    readonly startedBy: string;
    readonly atMs: number;
  }): Promise<void> {
    const { plan, startedBy, atMs } = run;
    await this.#state.query(
      `insert into cloudphoenix.run (id, plan, status, started_by, started_at_ms, steps)
       values ($1, $2, 'running', $3, $4, $5) on conflict (id) do nothing`,
      [
        plan.id,
        storedJson(plan),
        storedText(startedBy),
        atMs,
        storedJson(plan.steps.map((step) => pendingStep(step.id))),
      ],
    );
  }

  async setStatus(runId: string, change: RunStatusChange): Promise<void> {
    const { status, question, endedAtMs, order } = change;
    const waitingFor = change.waitingFor === null ? null : storedText(change.waitingFor);
    const changed = await this.#state.query(
      `update cloudphoenix.run
       set status = $2, waiting_for = $3, question = $4, ended_at_ms = $5, status_order = $6
       where id = $1 and status_order <= $6 returning id`,
      [runId, status, waitingFor, question, endedAtMs, order],
    );
    if (changed.length === 0 && (await this.get(runId)) === null) throw noSuchRun(runId);
  }

  async putStep(runId: string, step: StepRecord, order: number): Promise<void> {
    const stored: StoredStep = { ...step, order };
    await this.#change(
      runId,
      `steps = (
         select coalesce(jsonb_agg(
           case when kept.step ->> 'id' = $2 and coalesce((kept.step ->> 'order')::int, 0) <= $4
             then $3::jsonb else kept.step end
           order by kept.place), '[]')
         from jsonb_array_elements(steps) with ordinality as kept (step, place))`,
      [step.id, storedJson(stored), order],
    );
  }

  async addApproval(runId: string, approval: Approval): Promise<void> {
    // The same person at the same instant is the same approval, recorded twice by a replay.
    await this.#change(
      runId,
      `approvals = case
         when approvals @> jsonb_build_array($2::jsonb - 'comment') then approvals
         else approvals || $2::jsonb end`,
      [storedJson(approval)],
    );
  }

  async addEvent(event: RunEvent): Promise<void> {
    const { runId, key, atMs, kind, step, text } = event;
    const added = await this.#state.query(
      `insert into cloudphoenix.run_event (run_id, key, at_ms, kind, step, text)
       select id, $2, $3, $4, $5, $6 from cloudphoenix.run where id = $1
       on conflict (run_id, key) do update set key = excluded.key
       returning key`,
      [runId, storedText(key), atMs, kind, step, storedText(text)],
    );
    if (added.length === 0) throw noSuchRun(runId);
  }

  async get(runId: string): Promise<RunRecord | null> {
    const rows = await this.#state.query<RunRow>(
      `select ${RUN_COLUMNS} from cloudphoenix.run where id = $1`,
      [runId],
    );
    return rows[0] === undefined ? null : runOf(rows[0]);
  }

  async list(limit: number): Promise<readonly RunRecord[]> {
    const rows = await this.#state.query<RunRow>(
      `select ${RUN_COLUMNS} from cloudphoenix.run order by ordinal desc limit $1`,
      [limit],
    );
    return rows.map(runOf);
  }

  async events(runId: string): Promise<readonly RunEvent[]> {
    const rows = await this.#state.query<EventRow>(
      `select run_id, key, at_ms, kind, step, text from cloudphoenix.run_event
       where run_id = $1 order by ordinal`,
      [runId],
    );
    return rows.map((row) => ({
      runId: row.run_id,
      key: row.key,
      atMs: Number(row.at_ms),
      kind: row.kind,
      step: row.step,
      text: row.text,
    }));
  }

  async #change(runId: string, assignments: string, values: readonly unknown[]): Promise<void> {
    const changed = await this.#state.query(
      `update cloudphoenix.run set ${assignments} where id = $1 returning id`,
      [runId, ...values],
    );
    if (changed.length === 0) throw noSuchRun(runId);
  }
}

function runOf(row: RunRow): RunRecord {
  return {
    id: row.id,
    plan: row.plan,
    status: row.status,
    startedBy: row.started_by,
    startedAtMs: Number(row.started_at_ms),
    endedAtMs: row.ended_at_ms === null ? null : Number(row.ended_at_ms),
    steps: row.steps.map(recordOf),
    waitingFor: row.waiting_for,
    question: row.question,
    approvals: row.approvals,
  };
}

/** Without the order, which is nobody's business outside. */
function recordOf(stored: StoredStep): StepRecord {
  const { id, status, attempts, startedAtMs, endedAtMs, result, error, skipped } = stored;
  return { id, status, attempts, startedAtMs, endedAtMs, result, error, skipped };
}

function noSuchRun(runId: string): CloudPhoenixError {
  return new CloudPhoenixError("NOT_FOUND", `no run ${runId}`, {
    retryable: false,
    hint: "List the runs and use one of their ids.",
  });
}

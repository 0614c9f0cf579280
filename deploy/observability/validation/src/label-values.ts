/**
 * The values of labels whose values the code names. They hang on its types: a value that is added, renamed or
 * gone there does not compile here.
 */
import type { CallOutcome, Database, PoolUsage } from "@cloudphoenix/chassis";
import {
  ACTION_KINDS,
  FINAL_RUN_STATUSES,
  type RunStatus,
  type StepStatus,
} from "@cloudphoenix/core";
import type { TaskStatus } from "@cloudphoenix/engine";
import type { WorkResult } from "../../../../services/fulfilment/src/order-queue.ts";
import type { OrderMetrics } from "../../../../services/orders/src/order-metrics.ts";
import { RECEIPT_RESULTS } from "../../../../services/orders/src/receipts/observe-receipts.ts";

/** Each value once: neither one too many nor one too few compiles. */
function every<Value extends string>(values: Readonly<Record<Value, true>>): readonly string[] {
  return Object.keys(values);
}

const RUN_STATUSES = every<RunStatus>({
  running: true,
  "waiting-approval": true,
  paused: true,
  "needs-attention": true,
  completed: true,
  failed: true,
  undone: true,
  stuck: true,
  superseded: true,
});

/** What Prometheus calls the programs: the names of their services. */
const JOBS = ["controller", "agent", "worker", "orders", "fulfilment", "storefront"];

/** By metric, without the suffixes of histograms, and label. */
const OF_METRICS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  up: { job: JOBS },
  cloudphoenix_decision: { action: ACTION_KINDS },
  cloudphoenix_decisions_total: { action: ACTION_KINDS },
  cloudphoenix_runs_active: {
    status: RUN_STATUSES.filter((one) => !(FINAL_RUN_STATUSES as readonly string[]).includes(one)),
  },
  cloudphoenix_runs_ended_total: { status: FINAL_RUN_STATUSES },
  cloudphoenix_step_duration_seconds: {
    status: every<StepStatus>({
      pending: true,
      running: true,
      done: true,
      failed: true,
      skipped: true,
      undone: true,
      "undo-failed": true,
    }),
  },
  cloudphoenix_work_queue_tasks: {
    status: every<TaskStatus>({
      waiting: true,
      claimed: true,
      done: true,
      "set-aside": true,
      cancelled: true,
    }),
  },
  database_connections: {
    pool: every<keyof Database["usage"]>({ work: true, lookup: true, control: true }),
    state: every<keyof PoolUsage>({ open: true, idle: true, waiting: true }),
  },
  dependency_call_duration_seconds: {
    outcome: every<CallOutcome>({ ok: true, failed: true, rejected: true }),
  },
  orders_placed_total: {
    outcome: every<Parameters<OrderMetrics["orderPlaced"]>[0]>({ created: true, replayed: true }),
  },
  orders_receipts_settled_total: { result: RECEIPT_RESULTS },
  fulfilment_orders_settled_total: {
    result: every<WorkResult["kind"]>({ packed: true, again: true, "set-aside": true }),
  },
};

/** The values a label of a metric can have; null if they are not known from the code. */
export function valuesOf(metric: string, label: string): readonly string[] | null {
  return OF_METRICS[metric.replace(/_(?:bucket|count|sum)$/, "")]?.[label] ?? null;
}

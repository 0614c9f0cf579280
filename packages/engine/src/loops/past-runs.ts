/** What ended runs began and opened, read from their records. */
import {
  FINAL_RUN_STATUSES,
  type PastRun,
  type RunRecord,
  type StepKind,
  unreachable,
} from "@cloudphoenix/core";

/** What changes who writes or where users go. */
const TOUCHES: readonly StepKind[] = [
  "fence-site",
  "unfence-site",
  "promote-database",
  "switch-traffic",
  "open-writes",
];

/** Moves, rollbacks and rejoins that have ended, as a rollback has to know them, in the order given. */
export function pastRuns(runs: readonly RunRecord[]): readonly PastRun[] {
  return runs.filter(isPast).map(pastRun);
}

function isPast({ plan, status }: RunRecord): boolean {
  return plan.kind !== "heal" && FINAL_RUN_STATUSES.includes(status);
}

function pastRun({ id, plan, status, steps }: RunRecord): PastRun {
  const began = plan.steps.filter((step) => {
    const record = steps.find((one) => one.id === step.id);
    return record !== undefined && record.startedAtMs !== null;
  });
  return {
    id,
    kind: plan.kind,
    from: plan.from,
    to: plan.to,
    status,
    touched: began.some(({ action }) => TOUCHES.includes(action.kind)),
    opening: openingOf({ plan, steps }),
  };
}

function openingOf({ plan, steps }: Pick<RunRecord, "plan" | "steps">): PastRun["opening"] {
  const step = plan.steps.find(({ action }) => action.kind === "open-writes");
  const status = steps.find(({ id }) => id === step?.id)?.status ?? "pending";
  switch (status) {
    case "pending":
    case "skipped":
    case "undone":
      return "closed";
    case "done":
      return "opened";
    case "running":
    case "failed":
    case "undo-failed":
      return "unknown";
    default:
      return unreachable(status);
  }
}

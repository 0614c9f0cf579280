/** What CloudPhoenix is doing and has done, read from the records of runs. */
import {
  type Activity,
  FINAL_RUN_STATUSES,
  type PlanKind,
  type RunRecord,
  type RunStage,
  type RunningRun,
  type StepAction,
  isPlannedMove,
} from "@cloudphoenix/core";
import { pastRuns } from "./past-runs.ts";

/** Enough to hold every heal of a heal window and the newest move before it. */
export const RUNS_READ = 50;

const MOVES: readonly PlanKind[] = ["region", "dr", "switchover", "rollback", "failback"];

/** The run that has not ended; null if there is none. */
export function runningOf(runs: readonly RunRecord[]): RunningRun | null {
  const run = unfinishedOf(runs);
  if (run === null) return null;
  const { id, plan } = run;
  return { id, kind: plan.kind, to: plan.to, stage: stageOf(run) };
}

/** Whether a run of this kind changes who writes. */
export function isMove(kind: PlanKind): boolean {
  return MOVES.includes(kind);
}

function stageOf(run: RunRecord): RunStage {
  if (openedAtMs(run) !== null) return "opened";
  const { kind } = run.plan;
  if (!isMove(kind) || hasBegun(run, "promote-database")) return "under-way";
  const hasFenced = hasBegun(run, "fence-site");
  if (!isPlannedMove(kind)) return stageOfFailover(run, hasFenced);
  if (!hasFenced) return "preparing";
  return run.status === "running" ? "under-way" : "waiting";
}

/**
 * A failover that people ordered, or hold back, is not for a decision to end; nor is one that has begun
 * to fence: from then on its site looks worse than it was.
 */
function stageOfFailover({ startedBy, status }: RunRecord, hasFenced: boolean): RunStage {
  if (hasFenced || status === "paused" || startedBy !== "decision") return "under-way";
  return status === "waiting-approval" ? "asking" : "preparing";
}

function hasBegun({ plan, steps }: RunRecord, kind: StepAction["kind"]): boolean {
  const step = plan.steps.find(({ action }) => action.kind === kind);
  const record = steps.find(({ id }) => id === step?.id);
  return record !== undefined && record.status !== "pending";
}

/** When the run opened writes at its target; null if it did not. */
function openedAtMs({ plan, steps }: RunRecord): number | null {
  const opening = plan.steps.find(({ action }) => action.kind === "open-writes");
  const record = steps.find(({ id, status }) => id === opening?.id && status === "done");
  return record?.endedAtMs ?? null;
}

/** Its whole record. */
export function unfinishedOf(runs: readonly RunRecord[]): RunRecord | null {
  return runs.find((record) => !FINAL_RUN_STATUSES.includes(record.status)) ?? null;
}

/**
 * When moves and heals ended. A move that failed or was undone counts like one that worked: after
 * each of them a person should look before the next; one that is not over or was superseded counts
 * from when it opened writes. Otherwise a superseded run did nothing, and a heal that was cancelled to
 * make room for a move was no try to heal.
 */
export function historyOf(
  runs: readonly RunRecord[],
): Pick<Activity, "lastMoveEndedAtMs" | "healsEnded" | "past"> {
  const ended = runs.filter((run) => run.status !== "superseded" && run.endedAtMs !== null);
  const moves = runs
    .filter((run) => isMove(run.plan.kind))
    .flatMap((run) => (ended.includes(run) ? endOf(run) : (openedAtMs(run) ?? [])));
  return {
    lastMoveEndedAtMs: moves.length === 0 ? null : Math.max(...moves),
    healsEnded: ended
      .filter((run) => run.plan.kind === "heal" && run.status !== "undone")
      .map((run) => ({
        site: run.plan.to,
        atMs: endOf(run),
        worked: run.status === "completed",
      })),
    past: {
      newestFirst: pastRuns(runs),
      complete: runs.length < RUNS_READ,
    },
  };
}

function endOf(run: RunRecord): number {
  return run.endedAtMs ?? 0;
}

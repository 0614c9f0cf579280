/** What CloudPhoenix is doing and has done, read from the records of runs. */
import {
  type Activity,
  FINAL_RUN_STATUSES,
  type PlanKind,
  type RunRecord,
  type RunningRun,
} from "@cloudphoenix/core";

/** Enough to hold every heal of a heal window and the newest move before it. */
export const RUNS_READ = 50;

const MOVES: readonly PlanKind[] = ["region", "dr", "switchover", "rollback", "failback"];

/** The run that has not ended; null if there is none. */
export function runningOf(runs: readonly RunRecord[]): RunningRun | null {
  const run = unfinishedOf(runs);
  return run === null ? null : { id: run.id, kind: run.plan.kind, to: run.plan.to };
}

/** Its whole record. */
export function unfinishedOf(runs: readonly RunRecord[]): RunRecord | null {
  return runs.find((record) => !FINAL_RUN_STATUSES.includes(record.status)) ?? null;
}

/**
 * When moves and heals ended. A move that failed or was undone counts like one that worked: after
 * each of them a person should look before the next. A superseded run did nothing, and a heal that
 * was cancelled to make room for a move was no try to heal.
 */
export function historyOf(
  runs: readonly RunRecord[],
): Pick<Activity, "lastMoveEndedAtMs" | "healsEnded"> {
  const ended = runs.filter((run) => run.status !== "superseded" && run.endedAtMs !== null);
  const moves = ended.filter((run) => MOVES.includes(run.plan.kind)).map(endOf);
  return {
    lastMoveEndedAtMs: moves.length === 0 ? null : Math.max(...moves),
    healsEnded: ended
      .filter((run) => run.plan.kind === "heal" && run.status !== "undone")
      .map((run) => ({
        site: run.plan.to,
        atMs: endOf(run),
        worked: run.status === "completed",
      })),
  };
}

function endOf(run: RunRecord): number {
  return run.endedAtMs ?? 0;
}

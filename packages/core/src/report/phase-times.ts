/** When a run reached the milestones that recovery time is split by. */

import type { PlanStep, StepKind } from "../plan.ts";
import type { RunRecord } from "../run.ts";

/** Epoch milliseconds; null if the run has not (or not yet) got there. */
export interface PhaseTimes {
  /** When the first step after the approval could start. */
  readonly startedAtMs: number;
  readonly fencedAtMs: number | null;
  /** When the target had been verified, before users were sent there. */
  readonly verifiedAtMs: number | null;
  /** When traffic was switched and writes were open. */
  readonly openedAtMs: number | null;
}

/** Reads the milestones of `run` from its step records; only steps that ended well count. */
export function phaseTimes(run: RunRecord): PhaseTimes {
  const approvedAtMs = endOf(run, (step) => step.action.kind === "approval");
  const { from, to } = run.plan;
  return {
    startedAtMs: approvedAtMs ?? run.startedAtMs,
    fencedAtMs: endOf(run, ({ action }) => action.kind === "fence-site" && action.site === from),
    verifiedAtMs: endOf(run, ({ action }) => action.kind === "verify-site" && action.site === to),
    openedAtMs: allEnded(run, ["switch-traffic", "open-writes"]),
  };
}

/** The latest end among the done steps that match; null if there is none. */
function endOf(run: RunRecord, matches: (step: PlanStep) => boolean): number | null {
  const ids = new Set(run.plan.steps.filter(matches).map((step) => step.id));
  const ends = run.steps
    .filter((record) => ids.has(record.id) && record.status === "done")
    .flatMap((record) => record.endedAtMs ?? []);
  return ends.length === 0 ? null : Math.max(...ends);
}

/** The end of the last of these kinds of steps; null unless each that is planned is done. */
function allEnded(run: RunRecord, kinds: readonly StepKind[]): number | null {
  const planned = run.plan.steps.filter((step) => kinds.includes(step.action.kind));
  const ends = planned.map((step) => endOf(run, (other) => other.id === step.id));
  if (ends.length === 0 || ends.includes(null)) return null;
  return Math.max(...ends.map((end) => end ?? 0));
}

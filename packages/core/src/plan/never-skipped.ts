/** Which steps a person may go on without. */

import type { StepKind } from "../plan.ts";

/**
 * Steps nobody may skip: each stands between the users and lost or forked data, or is the very
 * thing the plan is for. Who does not want them cancels the run.
 */
const NEVER_SKIPPED: readonly StepKind[] = [
  "approval",
  "fence-site",
  "measure-loss",
  "drain-replication",
  "promote-database",
  "open-writes",
  "record-salvage",
  "rejoin-site",
];

/** Whether a failed step of this kind may be skipped. */
export function maySkip(kind: StepKind): boolean {
  return !NEVER_SKIPPED.includes(kind);
}

/** What a planner is told. */

import type { AcceptedLoss, PlanKind } from "../plan.ts";
import type { SiteScore } from "../score.ts";
import type { Application, Roles, SiteId } from "../topology.ts";

/** What a plan is made for. */
export interface PlanRequest {
  /** Becomes the id of the plan and of its run; the caller makes it unique. */
  readonly id: string;
  readonly kind: PlanKind;
  readonly application: Application;
  readonly roles: Roles;
  /** Where the application shall run afterwards; for a heal, the site that is repaired. */
  readonly target: SiteId;
  /** Rollback only: where the move to be undone went (`wayBackOf`). Default: the only other site. */
  readonly from?: SiteId | undefined;
  readonly nowMs: number;
  readonly reason: string;
  /** Distinct people who must approve before the first step; 0 for none. */
  readonly approvers: number;
  /** What they accept to lose; becomes part of the question. */
  readonly acceptedLoss?: AcceptedLoss | null | undefined;
  /** Whether somebody other than who starts the run must be among them. Default: no. */
  readonly another?: boolean | undefined;
  /** What else they agree to, a sentence each; becomes part of the question. */
  readonly reservations?: readonly string[] | undefined;
  /** Heal only: what is broken there. Without it, replicas that are not ready are replaced. */
  readonly score?: SiteScore | null | undefined;
  /** Limit of one try of a fence: short, because a dead site never answers. Default 3 s. */
  readonly fenceDeadlineMs?: number | undefined;
}

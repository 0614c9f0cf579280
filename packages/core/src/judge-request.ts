/** What stands against a run that a person asks for. */

import type { GuardResult, Situation } from "./decision.ts";
import { judge } from "./judge.ts";
import type { AcceptedLoss, PlanKind } from "./plan.ts";
import { surveyOf } from "./survey.ts";
import type { SiteId } from "./topology.ts";

/** What a person asks for. */
export interface RunRequest {
  readonly kind: PlanKind;
  /** Where to; without it the first possible site that nothing blocks. */
  readonly target?: SiteId | undefined;
  /** Rollback only: where the move to be undone went; without it, where the records say. */
  readonly from?: SiteId | undefined;
  /** Whether a loss beyond the objective, or an unknown one, is accepted. */
  readonly acceptLoss: boolean;
}

export interface RequestJudgement {
  /** Every guard that was asked, passing ones included. */
  readonly guards: readonly GuardResult[];
  /** Null if there is no site the plan could go to; then `blocked` says what to do. */
  readonly target: SiteId | null;
  /** Distinct people who must approve before the first step; 0 for none. */
  readonly approvers: number;
  /** What whoever approves accepts to lose; null if no loss was accepted, or none has to be. */
  readonly acceptedLoss: AcceptedLoss | null;
  /** Whether somebody other than who asks must be among those who approve. */
  readonly another: boolean;
  /** What else speaks against it, a sentence each: whoever approves agrees to these. */
  readonly reservations: readonly string[];
  /** What forbids the run; empty if it may start. */
  readonly blocked: readonly GuardResult[];
}

/**
 * Judges a run a person asks for, with the guards that bind people too.
 *
 * Evidence, hysteresis, mode, cooldown and maintenance protect against acting on a wrong picture,
 * and a person has their own. Nobody is exempt from what protects the data and the target: a dead
 * or diverged target, a second run; in a planned move a schema that differs, which a failover may
 * accept like a loss. A loss beyond the objective, or an
 * unknown one, can be accepted (`acceptLoss`) and then needs approval, as does an unproven fence;
 * a freeze window needs a person other than who asks.
 *
 * A rollback goes back to the site that is still recorded as active, and only where a move may have been
 * left half-way; what its target may have acknowledged is a loss like any other.
 *
 * @throws {RangeError} if the active site is not one of the application's
 */
export function judgeRequest(situation: Situation, request: RunRequest): RequestJudgement {
  const { target, guards, blocked, ...asked } = judge(surveyOf(situation), {
    plan: request.kind,
    cause: { kind: "person", acceptLoss: request.acceptLoss },
    wanted: request.target,
    from: request.from,
  });
  const { approvers, acceptedLoss, another, reservations } = asked;
  return {
    guards,
    target: target?.id ?? null,
    approvers,
    acceptedLoss,
    another,
    reservations,
    blocked,
  };
}

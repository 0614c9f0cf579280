/** What a guard is asked and how it answers. */

import type { Evidence, GuardName, GuardResult, Situation } from "../decision.ts";
import type { ActingLevel } from "../level.ts";
import type { PlanKind } from "../plan.ts";
import type { StandbyFacts } from "../readiness.ts";
import type { SiteScore } from "../score.ts";
import type { Site, SiteId } from "../topology.ts";

/** Why an action is considered: the score reached a level, or a person asked for it. */
export type GuardCause =
  | { readonly kind: "level"; readonly level: ActingLevel }
  | { readonly kind: "person"; readonly acceptLoss: boolean };

/** Everything a guard may look at. */
export interface GuardFacts {
  readonly situation: Situation;
  readonly plan: PlanKind;
  readonly cause: GuardCause;
  readonly active: Site;
  /** Null if the application has no site this plan could go to. */
  readonly target: Site | null;
  /** Rollback only: the site it would stop; null if that is not known. */
  readonly leaves: SiteId | null;
  /** What is known of the target; null if nothing is, or if it is not a standby. */
  readonly standby: StandbyFacts | null;
  readonly score: SiteScore;
  readonly standbyScores: readonly SiteScore[];
  readonly evidence: Evidence;
  /** Newest instant the active site was known to serve; null if never. */
  readonly lastAliveAtMs: number | null;
  /**
   * The active site acknowledged nothing after this instant, or nobody knows better: its last sign
   * of life, else when this controller began to look or the site's lease had ended; null if unknown.
   */
  readonly aliveUntilMs: number | null;
}

/**
 * Pure: the same facts, and the same said by the guards that were asked before, the same answer. The
 * sentence carries the numbers it judged by.
 */
export type Guard = (facts: GuardFacts, said: readonly GuardResult[]) => GuardResult;

/** The guard does not object. */
export function pass(guard: GuardName, sentence: string): GuardResult {
  return { guard, outcome: "pass", sentence };
}

/** The run may start but waits for people. */
export function approve(guard: GuardName, sentence: string): GuardResult {
  return { guard, outcome: "approve", sentence };
}

/** The run must not start. */
export function block(guard: GuardName, sentence: string): GuardResult {
  return { guard, outcome: "block", sentence };
}

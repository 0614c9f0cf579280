/** Refuses plans that must not run, whoever made them. */

import type { Plan, PlanFinding } from "../plan.ts";
import type { Application } from "../topology.ts";
import {
  convergeAfterSwitch,
  openAfterPromote,
  promoteAfterFence,
  runsAlone,
  scaleBeforeVerify,
  switchAfterVerify,
  unfenceAfterFence,
} from "./lint-order-rules.ts";
import {
  rejoinAfterDecision,
  rejoinAfterFence,
  rejoinFollowsWriter,
  rejoinSparesWriter,
} from "./lint-rejoin-rules.ts";
import type { LintRule } from "./lint-rule.ts";
import {
  deadSideNotNeeded,
  finiteLimits,
  generationFollows,
  goesSomewhere,
  hasSteps,
  knownNeeds,
  knownSites,
  noCycle,
  titled,
  undoSameSites,
  uniqueIds,
} from "./lint-shape-rules.ts";
import { stepsBefore } from "./step-order.ts";

const RULES: readonly LintRule[] = [
  hasSteps,
  uniqueIds,
  knownNeeds,
  noCycle,
  titled,
  finiteLimits,
  generationFollows,
  knownSites,
  goesSomewhere,
  deadSideNotNeeded,
  undoSameSites,
  promoteAfterFence,
  unfenceAfterFence,
  openAfterPromote,
  switchAfterVerify,
  convergeAfterSwitch,
  scaleBeforeVerify,
  runsAlone,
  rejoinAfterFence,
  rejoinFollowsWriter,
  rejoinAfterDecision,
  rejoinSparesWriter,
];

/**
 * Everything that is wrong with `plan`, all of it at once; empty if it may run. Order is judged by
 * what steps need, never by where they stand in the list.
 */
export function lintPlan(plan: Plan, application: Application): readonly PlanFinding[] {
  const facts = { plan, application, before: stepsBefore(plan) };
  return RULES.flatMap((rule) => rule(facts));
}

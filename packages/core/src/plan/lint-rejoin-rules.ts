/** Rules about bringing a site back. They keep the writer's data out of every repair's reach. */

import type { PlanStep, StepKind } from "../plan.ts";
import type { SiteId } from "../topology.ts";
import { type LintRule, anyBefore, finding, stepsOfKind } from "./lint-rule.ts";

/** A site is repaired only after its writers were stopped. */
export const rejoinAfterFence: LintRule = (facts) =>
  stepsOfKind(facts.plan, "rejoin-site").flatMap((step) => {
    const { site } = step.action;
    const fences = stepsOfKind(facts.plan, "fence-site").filter((one) => one.action.site === site);
    if (anyBefore(facts, fences, step)) return [];
    return [finding("rejoin-after-fence", step, `${site} is not fenced before it is repaired.`)];
  });

/** Who writes is never repaired: in a move that is the target, once it was opened. */
export const rejoinFollowsWriter: LintRule = (facts) =>
  stepsOfKind(facts.plan, "rejoin-site").flatMap((step) => {
    const { site, writer } = step.action;
    const { plan } = facts;
    if (plan.kind === "rejoin") {
      if (writer === plan.from && site === plan.to) return [];
      return [finding("rejoin-follows-writer", step, `${plan.from} writes; ${site} is repaired.`)];
    }
    const openings = stepsOfKind(plan, "open-writes").filter((one) => one.action.site === writer);
    if (site !== writer && anyBefore(facts, openings, step)) return [];
    return [
      finding("rejoin-follows-writer", step, `${writer} is not open before ${site} follows it.`),
    ];
  });

/** What only the site has is given up only after a decision about it was seen. */
export const rejoinAfterDecision: LintRule = (facts) => {
  if (facts.plan.kind !== "rejoin") return [];
  return stepsOfKind(facts.plan, "rejoin-site").flatMap((step) => {
    const records = stepsOfKind(facts.plan, "record-salvage").filter(
      (one) => one.action.site === step.action.site,
    );
    if (anyBefore(facts, records, step)) return [];
    const sentence = `${step.action.site} is repaired before anyone decided about its own writes.`;
    return [finding("rejoin-after-decision", step, sentence)];
  });
};

/** What a rejoin may do beside looking and telling, and only at the site that returned. */
const AT_THE_RETURNED: readonly StepKind[] = [
  "fence-site",
  "record-salvage",
  "admit-site",
  "scale-workload",
  "verify-site",
];
const HARMLESS: readonly StepKind[] = ["approval", "pause", "notify", "report", "compare-sites"];

/** A rejoin never touches the writer: not its data, not its replicas, not its users. */
export const rejoinSparesWriter: LintRule = ({ plan }) => {
  if (plan.kind !== "rejoin") return [];
  return plan.steps
    .filter((step) => !HARMLESS.includes(step.action.kind) && !isAtReturned(step, plan.to))
    .map((step) =>
      finding("rejoin-spares-writer", step, `A rejoin of ${plan.to} must not do ${step.id}.`),
    );
};

function isAtReturned({ action }: PlanStep, returned: SiteId): boolean {
  if (action.kind === "rejoin-site") return true;
  return AT_THE_RETURNED.includes(action.kind) && "site" in action && action.site === returned;
}

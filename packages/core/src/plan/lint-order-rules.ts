/** Rules about what must have ended before what. They keep the promise of one writer. */

import { type LintRule, anyBefore, finding, stepsOfKind } from "./lint-rule.ts";

/**
 * A copy is promoted only after the site it followed, and the site the plan leaves, were fenced, or
 * both sides could take writes.
 */
export const promoteAfterFence: LintRule = (facts) =>
  stepsOfKind(facts.plan, "promote-database").flatMap((step) => {
    const fences = stepsOfKind(facts.plan, "fence-site");
    return [...new Set([step.action.from, facts.plan.from])]
      .filter((site) => {
        const ofSite = fences.filter((fence) => fence.action.site === site);
        return !anyBefore(facts, ofSite, step);
      })
      .map((site) =>
        finding(
          "promote-after-fence",
          step,
          `${site} is not fenced before ${step.action.site} is promoted.`,
        ),
      );
  });

/** A fenced site is let go only after another one was fenced, or both could take writes. */
export const unfenceAfterFence: LintRule = (facts) =>
  stepsOfKind(facts.plan, "unfence-site").flatMap((step) => {
    const fences = stepsOfKind(facts.plan, "fence-site").filter(
      (fence) => fence.action.site !== step.action.site,
    );
    if (anyBefore(facts, fences, step)) return [];
    return [
      finding(
        "unfence-after-fence",
        step,
        `No other site is fenced before ${step.action.site} accepts writes again.`,
      ),
    ];
  });

/** Writes open only at a promoted database: before that they would be overwritten or refused. */
export const openAfterPromote: LintRule = (facts) =>
  stepsOfKind(facts.plan, "open-writes").flatMap((step) => {
    const promotions = stepsOfKind(facts.plan, "promote-database").filter(
      (promotion) => promotion.action.site === step.action.site,
    );
    if (anyBefore(facts, promotions, step)) return [];
    return [
      finding("open-after-promote", step, `${step.action.site} opens before it is promoted.`),
    ];
  });

/** Users are sent only to a site that was seen to work. */
export const switchAfterVerify: LintRule = (facts) =>
  stepsOfKind(facts.plan, "switch-traffic").flatMap((step) => {
    const checks = stepsOfKind(facts.plan, "verify-site").filter(
      (check) => check.action.site === step.action.to,
    );
    if (anyBefore(facts, checks, step)) return [];
    return [
      finding(
        "switch-after-verify",
        step,
        `Users are sent to ${step.action.to} before it is verified.`,
      ),
    ];
  });

/** Convergence can only be seen after traffic was switched to the site. */
export const convergeAfterSwitch: LintRule = (facts) =>
  stepsOfKind(facts.plan, "verify-convergence").flatMap((step) => {
    const switches = stepsOfKind(facts.plan, "switch-traffic").filter(
      (one) => one.action.to === step.action.site,
    );
    if (anyBefore(facts, switches, step)) return [];
    return [
      finding(
        "converge-after-switch",
        step,
        `Convergence on ${step.action.site} is checked before traffic is switched to it.`,
      ),
    ];
  });

/** What is scaled is verified afterwards, or users would be sent to replicas that never came up. */
export const scaleBeforeVerify: LintRule = (facts) =>
  stepsOfKind(facts.plan, "scale-workload").flatMap((step) => {
    const checks = stepsOfKind(facts.plan, "verify-site").filter(
      (check) => check.action.site === step.action.site,
    );
    if (checks.some((check) => anyBefore(facts, [step], check))) return [];
    return [
      finding(
        "scale-before-verify",
        step,
        `${step.action.workload} at ${step.action.site} is not verified after it was scaled.`,
      ),
    ];
  });

/**
 * Approval, fence and loss measurement run alone: whatever ran beside them would run before
 * the approval was given, before the writer was stopped, or into the measurement.
 */
export const runsAlone: LintRule = (facts) => {
  const { plan, before } = facts;
  const alone = plan.steps.filter(({ action }) =>
    ["approval", "fence-site", "measure-loss"].includes(action.kind),
  );
  return alone.flatMap((step) => {
    const beside = plan.steps.filter(
      (other) =>
        other.id !== step.id &&
        before.get(step.id)?.has(other.id) !== true &&
        before.get(other.id)?.has(step.id) !== true,
    );
    if (beside.length === 0) return [];
    const ids = beside.map((other) => other.id).join(", ");
    return [finding("runs-alone", step, `${step.id} may run at the same time as ${ids}.`)];
  });
};

/** Rules about a plan as such: names, graph, limits, generation, sites. */

import { claimsGeneration } from "../plan-words.ts";
import type { PlanFinding, PlanStep } from "../plan.ts";
import type { SiteId } from "../topology.ts";
import { type LintRule, finding } from "./lint-rule.ts";
import { sitesNamedBy, sitesNeededBy } from "./sites-of-action.ts";

/** A plan without steps would complete at once and claim a generation for nothing. */
export const hasSteps: LintRule = ({ plan }) =>
  plan.steps.length > 0 ? [] : [finding("has-steps", null, "The plan has no steps.")];

/** The journal knows steps by their id. */
export const uniqueIds: LintRule = ({ plan }) =>
  plan.steps
    .filter((step, index) => plan.steps.findIndex((other) => other.id === step.id) !== index)
    .map((step) => finding("unique-ids", step, `More than one step is called ${step.id}.`));

/** A need that names no step would never be met. */
export const knownNeeds: LintRule = ({ plan }) =>
  plan.steps.flatMap((step) =>
    step.needs
      .filter((need) => plan.steps.every((other) => other.id !== need))
      .map((need) => finding("known-needs", step, `${step.id} needs ${need}, which is no step.`)),
  );

/** Steps that wait for each other never start. */
export const noCycle: LintRule = ({ plan, before }) =>
  plan.steps
    .filter((step) => before.get(step.id)?.has(step.id) === true)
    .map((step) => finding("no-cycle", step, `${step.id} waits for itself.`));

/** The dry run prints the titles; an empty one hides what will happen. */
export const titled: LintRule = ({ plan }) =>
  plan.steps
    .filter((step) => step.title.trim() === "")
    .map((step) => finding("titled", step, `${step.id} does not say what it does.`));

/** Every try and every series of tries ends. */
export const finiteLimits: LintRule = ({ plan }) =>
  plan.steps.flatMap((step) =>
    limitTroubles(step).map((what) => finding("finite-limits", step, `${step.id} has ${what}.`)),
  );

function limitTroubles({ timeoutMs, retry }: PlanStep): readonly string[] {
  const troubles: string[] = [];
  if (!(Number.isFinite(timeoutMs) && timeoutMs > 0))
    troubles.push(`a time limit of ${timeoutMs} ms`);
  if (!(Number.isSafeInteger(retry.attempts) && retry.attempts >= 1)) {
    troubles.push(`${retry.attempts} attempts`);
  }
  const waits = [retry.backoffMs, retry.backoffMaxMs];
  if (waits.some((ms) => !(Number.isFinite(ms) && ms >= 0))) {
    troubles.push(`a wait of ${retry.backoffMs} to ${retry.backoffMaxMs} ms between attempts`);
  }
  return troubles;
}

/** A move claims the generation after the one it was made for; a heal or a rejoin works within it. */
export const generationFollows: LintRule = ({ plan }) => {
  const expected = plan.parentGeneration + (claimsGeneration(plan.kind) ? 1 : 0);
  if (plan.generation === expected) return [];
  return [
    finding(
      "generation-follows",
      null,
      `The plan claims generation ${plan.generation}, after ${plan.parentGeneration} it must be ${expected}.`,
    ),
  ];
};

/** The plan is for this application, and every site it names is one of its sites. */
export const knownSites: LintRule = ({ plan, application }) => {
  const unknown = (site: SiteId): boolean => application.sites.every((one) => one.id !== site);
  const findings: PlanFinding[] = [];
  if (plan.application !== application.name) {
    findings.push(
      finding("known-sites", null, `The plan is for ${plan.application}, not ${application.name}.`),
    );
  }
  for (const site of [plan.from, plan.to].filter(unknown)) {
    findings.push(finding("known-sites", null, `${application.name} has no site ${site}.`));
  }
  for (const step of plan.steps) {
    for (const site of [...sitesNamedBy(step.action), ...step.requires].filter(unknown)) {
      findings.push(finding("known-sites", step, `${application.name} has no site ${site}.`));
    }
  }
  return findings;
};

/** A move ends somewhere else; a heal stays. */
export const goesSomewhere: LintRule = ({ plan }) => {
  if ((plan.from === plan.to) === (plan.kind === "heal")) return [];
  return [
    finding("goes-somewhere", null, `A ${plan.kind} cannot go from ${plan.from} to ${plan.to}.`),
  ];
};

/**
 * An unplanned move must succeed while the site it leaves is gone. What a step needs follows from
 * its action too, so leaving `requires` empty does not get around this.
 */
export const deadSideNotNeeded: LintRule = ({ plan }) => {
  if (plan.kind !== "region" && plan.kind !== "dr") return [];
  return plan.steps
    .filter((step) => !step.bestEffort)
    .filter((step) => [...step.requires, ...sitesNeededBy(step.action)].includes(plan.from))
    .map((step) =>
      finding("dead-side-not-needed", step, `${step.id} needs ${plan.from}, which may be gone.`),
    );
};

/** An undo speaks of the sites its step spoke of; anything else is another step's work. */
export const undoSameSites: LintRule = ({ plan }) =>
  plan.steps.flatMap((step) => {
    if (step.undo.kind === "none") return [];
    const did = [...sitesNamedBy(step.action)].toSorted().join(", ");
    const undoes = [...sitesNamedBy(step.undo.action)].toSorted().join(", ");
    if (did === undoes) return [];
    return [finding("undo-same-sites", step, `${step.id} acts on ${did}, its undo on ${undoes}.`)];
  });

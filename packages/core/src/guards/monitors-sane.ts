import { newestSight } from "../fresh-answer.ts";
import type { SiteScore } from "../score.ts";
import { type Guard, type GuardFacts, block, pass } from "./guard.ts";

/**
 * Is it plausible that the site failed and not the monitoring? If every vantage is blind, or every
 * answered question about every site is red at once, the part they share is what failed.
 */
export const monitorsSane: Guard = (facts) => {
  const { sights, vantages } = facts.situation;
  const newest = vantages.flatMap((vantage) => newestSight(sights, vantage.id) ?? []);
  const blind = newest.filter((sight) => !sight.sees).length;
  if (newest.length > 0 && blind === newest.length) {
    return block(
      "monitors-sane",
      `All ${blind} vantages with canaries are blind: the monitoring is what failed.`,
    );
  }
  const standbyVotes = facts.standbyScores.flatMap(votes);
  const all = [...votes(facts.score), ...standbyVotes];
  const red = all.filter((status) => status === "unhealthy").length;
  if (standbyVotes.length > 0 && red === all.length) {
    return block(
      "monitors-sane",
      `All ${red} answered signals of every site are unhealthy at once: the monitoring is likelier to have failed than all sites.`,
    );
  }
  return pass(
    "monitors-sane",
    `${saneText(facts)}: ${red} of ${all.length} answered signals are unhealthy.`,
  );
};

/** Signals worth nothing cannot vote, so a green status page does not make monitors sane. */
function votes(score: SiteScore): readonly string[] {
  return score.contributions
    .filter((one) => one.pointsMax > 0 && one.status !== "unknown")
    .map((one) => one.status);
}

function saneText({ standbyScores }: GuardFacts): string {
  return standbyScores.length === 0 ? "There is one site only" : "The sites do not all look bad";
}

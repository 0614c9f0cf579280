/** Who agrees that a site is bad, counted by what would have to break for them to be wrong. */

import type { Evidence } from "./decision.ts";
import type { SiteScore } from "./score.ts";
import type { Vantage } from "./signal.ts";

/**
 * Failure domains behind the points of `score`. Three questions asked through one network are one
 * witness, so domains are counted and never signals.
 *
 * @param targetCloud - cloud the application would move to; null if it would not move
 */
export function evidenceFor(
  score: SiteScore,
  vantages: readonly Vantage[],
  targetCloud: string | null,
): Evidence {
  const contributing = score.contributions.filter((one) => one.points > 0);
  const ids = new Set(contributing.flatMap((one) => one.vantages));
  const witnesses = vantages.filter((vantage) => ids.has(vantage.id));
  return {
    failureDomains: [...new Set(contributing.flatMap((one) => one.failureDomains))].toSorted(),
    seenFromTarget:
      targetCloud !== null && witnesses.some((vantage) => vantage.cloud === targetCloud),
    seenFromOutside: witnesses.some((vantage) => vantage.cloud === null),
  };
}

/**
 * When a standby is repaired. Its own red signals never push the application anywhere; they only
 * lead to a repair of the standby itself, because one that cannot serve protects nobody.
 */

import type { Situation } from "./decision.ts";
import { holdsNow } from "./level.ts";
import type { LevelState, SiteScore } from "./score.ts";
import type { SiteId } from "./topology.ts";

/** A standby that is worth a repair. */
export interface SickStandby {
  readonly site: SiteId;
  readonly score: SiteScore;
  readonly state: LevelState;
}

/**
 * The standbys to repair, in the application's order.
 *
 * Only while the application is protected: a former primary that has not been taken back holds data
 * nobody decided about and stays as it is. Only where something still answers: what a restart could
 * mend is part of a site that is there. And only on a score that is known and holds, as everywhere.
 */
export function sickStandbys(
  situation: Situation,
  scores: readonly SiteScore[],
  levels: Readonly<Record<SiteId, LevelState>>,
): readonly SickStandby[] {
  const { roles, policy, nowMs } = situation;
  if (!roles.protected) return [];
  const quarantined = new Set((situation.quarantined ?? []).map(({ site }) => site));
  return scores.flatMap((score) => {
    const { site } = score;
    const state = levels[site];
    if (state === undefined || quarantined.has(site) || score.coverage < policy.coverageMin) {
      return [];
    }
    const sick = holdsNow(state, "heal", policy, nowMs) && isThere(score);
    return sick ? [{ site, score, state }] : [];
  });
}

/** Whether anything at the site still works, as its own signals say. */
function isThere({ contributions }: SiteScore): boolean {
  return contributions.some(
    ({ kind, status, pointsMax }) =>
      kind !== "replication-lag" &&
      pointsMax > 0 &&
      (status === "healthy" || status === "degraded"),
  );
}

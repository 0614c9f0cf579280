/** The situation read once: scores of all sites, and when the active one was last alive. */

import type { LastAlive, Situation } from "./decision.ts";
import { lastAliveOf } from "./last-alive.ts";
import { scoreSite } from "./score-site.ts";
import type { SiteScore } from "./score.ts";
import { targetsFor } from "./targets.ts";
import { type Site, siteOf } from "./topology.ts";

export interface Survey {
  readonly situation: Situation;
  readonly active: Site;
  readonly score: SiteScore;
  /** In the application's order of sites. */
  readonly standbyScores: readonly SiteScore[];
  readonly lastAlive: LastAlive | null;
  /** The cloud a DR failover would go to first; null if there is none. */
  readonly otherCloud: string | null;
}

/** Reads a situation. @throws {RangeError} if the active site is not one of the application's */
export function surveyOf(situation: Situation): Survey {
  const active = siteOf(situation.application, situation.roles.active);
  const standbys = situation.application.sites.filter((site) => site.id !== active.id);
  return {
    situation,
    active,
    score: scoreSite({ ...situation, site: active.id }),
    standbyScores: standbys.map((site) => scoreSite({ ...situation, site: site.id })),
    lastAlive: lastAliveOf(situation),
    otherCloud: targetsFor("dr", situation.application, active)[0]?.cloud ?? null,
  };
}

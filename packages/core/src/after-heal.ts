/**
 * What speaks for a move right after a repair. Answers to questions that were asked before it ended
 * tell of the site as it was: a move must not begin on them once the repair has worked.
 */

import { scoreSite } from "./score-site.ts";
import type { Survey } from "./survey.ts";

/**
 * As long as the answers of a default probe last: each of them has been asked anew by then. Nothing
 * waits longer, whatever signals an application has, because the site may be gone all the same.
 */
const SETTLE_MS = 3_500;

export interface AfterHeal {
  /** The same survey, but the active site's score counts only what was asked after the heal. */
  readonly survey: Survey;
  readonly endedAgoMs: number;
}

/** The view after the newest heal of the active site; null unless it worked and has just ended. */
export function afterHeal(survey: Survey): AfterHeal | null {
  const { situation, active } = survey;
  const { nowMs, activity, observations } = situation;
  const agosMs = activity.healsEnded
    .filter(({ site, worked }) => worked && site === active.id)
    .map(({ atMs }) => nowMs - atMs)
    .filter((agoMs) => agoMs >= 0 && agoMs < SETTLE_MS);
  if (agosMs.length === 0) return null;
  const endedAgoMs = Math.min(...agosMs);
  const since = observations.filter(({ atMs }) => atMs > nowMs - endedAgoMs);
  const score = scoreSite({ ...situation, site: active.id, observations: since });
  return { survey: { ...survey, score }, endedAgoMs };
}

/**
 * Whether the first answers about the active site are still to come. A controller begins to ask when
 * it begins to lead, and answers of agents may be there at once: until every probe has had its turn,
 * a low coverage tells of the controller and not of the site.
 */

import { watchedSinceMs } from "./last-alive.ts";
import type { Survey } from "./survey.ts";

/** No signal is waited for longer, however seldom it is asked: people must hear of a sick site. */
const FIRST_ANSWERS_MAX_MS = 10_000;

export interface FirstAnswers {
  /** How long the active site has been watched. */
  readonly watchedMs: number;
  /** How long it has to be watched until nothing is waited for any more. */
  readonly limitMs: number;
}

/**
 * What is left of the wait for first answers; null if none is waited for. A probe is waited for
 * until it has answered once, at most for an interval and a timeout of its signal, and only if it
 * can add points.
 */
export function firstAnswers({ situation, active }: Survey): FirstAnswers | null {
  const sinceMs = watchedSinceMs(situation);
  if (sinceMs === null) return null;
  const watchedMs = situation.nowMs - sinceMs;
  const turnsMs = situation.signals
    .filter(({ site, points }) => site === active.id && points.degraded + points.unhealthy > 0)
    .filter(({ id, vantages }) => vantages.some((vantage) => !answered(id, vantage)))
    .map(({ intervalMs, timeoutMs }) => intervalMs + timeoutMs);
  const limitMs = Math.min(FIRST_ANSWERS_MAX_MS, Math.max(0, ...turnsMs));
  // A clock that was set back must not make the wait longer.
  return watchedMs >= 0 && watchedMs < limitMs ? { watchedMs, limitMs } : null;

  function answered(signal: string, vantage: string): boolean {
    return situation.observations.some((one) => one.signal === signal && one.vantage === vantage);
  }
}

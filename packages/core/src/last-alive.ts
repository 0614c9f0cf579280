/** When the active site was last known to serve: the upper end of what can have been lost. */

import type { LastAlive, Situation } from "./decision.ts";
import type { SignalKind } from "./signal.ts";

/**
 * Questions that only the application itself can answer. Platform answers (node groups, load
 * balancer, alarms, status pages) can stay green while no user gets through: counting them would
 * let a status page make every loss look unbounded.
 */
const ASKS_THE_APPLICATION: readonly SignalKind[] = [
  "service-health",
  "external-uptime",
  "cross-cloud",
  "cross-region",
];

/**
 * The newest instant at which the active site was seen healthy or degraded by anybody, or
 * acknowledged a heartbeat; null if never.
 *
 * A situation holds only the newest observation per vantage, so a good answer is gone as soon as a
 * bad one follows it. `situation.lastAlive`, carried over from the decision before, keeps it.
 */
export function lastAliveOf(situation: Situation): LastAlive | null {
  const { active } = situation.roles;
  const asked = new Set(
    situation.signals
      .filter((one) => one.site === active && ASKS_THE_APPLICATION.includes(one.kind))
      .map((one) => one.id),
  );
  const seen = situation.observations
    .filter((one) => asked.has(one.signal))
    .filter((one) => one.status === "healthy" || one.status === "degraded")
    .map((one) => one.atMs);
  const written = situation.standbys.flatMap((one) => one.replication.writtenAtMs ?? []);
  const remembered = situation.lastAlive?.site === active ? [situation.lastAlive.atMs] : [];
  const instants = [...seen, ...written, ...remembered];
  if (instants.length === 0) return null;
  // A clock that jumped must not make the site alive in the future.
  return { site: active, atMs: Math.min(Math.max(...instants), situation.nowMs) };
}

/**
 * Until when the active site may have served at most: its last sign of life, or where nobody saw one
 * the instant from which on this controller has watched it in vain, or the end of its lease if that came
 * before; null if neither is known.
 */
export function aliveUntilMs(situation: Situation): number | null {
  const seen = lastAliveOf(situation);
  if (seen !== null) return seen.atMs;
  const limits = [watchedSinceMs(situation), leaseEndedMs(situation)].filter((one) => one !== null);
  return limits.length === 0 ? null : Math.min(...limits);
}

/**
 * The end of the active site's lease; null if it is not known to have come. A standby that shows a later
 * heartbeat speaks against it, or against the clocks: then it is not believed.
 */
function leaseEndedMs({ roles, leaseEnded, standbys, nowMs }: Situation): number | null {
  if (leaseEnded?.site !== roles.active || leaseEnded.atMs > nowMs) return null;
  const { atMs } = leaseEnded;
  const isContradicted = standbys.some(({ replication }) => (replication.appliedAtMs ?? 0) > atMs);
  return isContradicted ? null : atMs;
}

/** Only for the site that is active now: another one has not been watched as such. */
export function watchedSinceMs({ roles, watchedSince }: Situation): number | null {
  return watchedSince?.site === roles.active ? watchedSince.atMs : null;
}

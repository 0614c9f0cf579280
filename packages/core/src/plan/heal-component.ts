/** Which part of a site a heal should repair. */

import type { Contribution, SiteScore } from "../score.ts";

export type HealComponent = "database" | "workloads";

const NAMES_THE_DATABASE = /\b(database|postgres(ql)?)\b/i;
const NAMES_THE_LEASE = /\bwriter-lease\b/;

/**
 * What to repair first, read from the points of the site's score.
 *
 * Nothing but what is not ready if the service names the writer lease: no restart brings that back,
 * and one of the database would take reads away, too. The database if the service's own health names it, or if the service is unhealthy while nothing
 * says that its replicas or nodes are in trouble. Workloads otherwise, also without a score:
 * replacing replicas that are not ready leaves the ready ones alone, restarting a database does
 * not. Only one component per heal, the one everything stands on first: what is still broken
 * after that shows in the next score.
 */
export function healComponentOf(score: SiteScore | null): HealComponent {
  const bad = score?.contributions.filter((one) => one.points > 0) ?? [];
  const health = bad.filter((one) => one.kind === "service-health");
  if (health.some((one) => NAMES_THE_LEASE.test(one.detail))) return "workloads";
  if (health.some((one) => NAMES_THE_DATABASE.test(one.detail))) return "database";
  const unhealthy = health.some((one) => one.status === "unhealthy");
  return unhealthy && !bad.some(speaksOfReplicas) ? "database" : "workloads";
}

function speaksOfReplicas({ kind }: Contribution): boolean {
  return kind === "load-balancer" || kind === "node-groups";
}

/** Points per kind of signal, unless the configuration says otherwise. */

import type { SignalKind, SignalPoints } from "./signal.ts";

/**
 * The table of points. Chosen so that no single question can reach `region` (8), and so that
 * `dr` (11) takes at least three of them: the service itself, the users' way in, and the other
 * cloud's view. Rows of 0 explain and never vote.
 */
const POINTS: Readonly<Record<SignalKind, SignalPoints>> = {
  "service-health": { degraded: 2, unhealthy: 5 },
  "external-uptime": { degraded: 0, unhealthy: 3 },
  "cross-cloud": { degraded: 0, unhealthy: 4 },
  "cross-region": { degraded: 2, unhealthy: 3 },
  // 5 to 30 seconds behind is degraded, more is unhealthy.
  "replication-lag": { degraded: 1, unhealthy: 3 },
  // A copy that is late speaks of whoever copies, not of the site: it explains and never votes.
  "object-backlog": { degraded: 0, unhealthy: 0 },
  // One bad group is degraded, more are unhealthy.
  "node-groups": { degraded: 2, unhealthy: 4 },
  // Any bad target counts in full: with few targets one is a large share.
  "load-balancer": { degraded: 3, unhealthy: 3 },
  alarm: { degraded: 0, unhealthy: 5 },
  // Only the author of the query knows what its answer is worth.
  prometheus: { degraded: 0, unhealthy: 0 },
  // Status pages are late (about 23 minutes on 2025-10-20): they explain, they never vote.
  "provider-status": { degraded: 0, unhealthy: 0 },
};

/** The points a signal of this kind adds per status when its configuration names none. */
export function defaultPoints(kind: SignalKind): SignalPoints {
  return POINTS[kind];
}

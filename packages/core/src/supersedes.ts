/** Which plans make room for others. */

import type { PlanKind } from "./plan.ts";
import type { SiteId } from "./topology.ts";

/** A plan as far as it matters here. */
export interface Undertaking {
  readonly kind: PlanKind;
  readonly to: SiteId;
}

/**
 * Whether `next` may cancel `running` and take its place: a move a heal that did not help, a heal of
 * the active site one of a standby, anything but a repair of a standby a rejoin. A repair of the
 * standby can be done again at any time; a sick writer must not wait for it, another repair must.
 */
export function supersedes(next: Undertaking, running: Undertaking, active: SiteId): boolean {
  const repairsStandby = next.kind === "rejoin" || (next.kind === "heal" && next.to !== active);
  if (repairsStandby) return false;
  if (running.kind === "rejoin") return true;
  return running.kind === "heal" && (next.kind !== "heal" || running.to !== active);
}

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
 * the active site one of a standby, anything else a rejoin. A repair of the standby can be done
 * again at any time; a sick writer must not wait for it.
 */
export function supersedes(next: Undertaking, running: Undertaking, active: SiteId): boolean {
  if (running.kind === "rejoin") return next.kind !== "rejoin";
  if (running.kind !== "heal" || next.kind === "rejoin") return false;
  return next.kind !== "heal" || (next.to === active && running.to !== active);
}

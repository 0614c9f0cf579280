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
 *
 * A move takes the place of another one that has opened writes, too: what is left of that one may
 * take hours, or wait for people, and the site it went to may be lost meanwhile. Only once the roles
 * say so, too: a plan made from older ones would leave the site before, and the writer unfenced. A heal
 * does not: the former writer may just be becoming the standby.
 */
export function supersedes(
  next: Undertaking,
  running: Undertaking & { readonly opened?: boolean },
  active: SiteId,
): boolean {
  const repairsStandby = next.kind === "rejoin" || (next.kind === "heal" && next.to !== active);
  if (repairsStandby) return false;
  if (running.opened === true) {
    return active === running.to && next.kind !== "heal" && next.kind !== "rollback";
  }
  if (running.kind === "rejoin") return true;
  return running.kind === "heal" && (next.kind !== "heal" || running.to !== active);
}

/** Where a plan may go. */

import { unreachable } from "./error.ts";
import type { PlanKind } from "./plan.ts";
import type { Application, Site } from "./topology.ts";

/**
 * Sites a plan of this kind may go to, in the application's order of preference: for a heal the
 * active site, then every other, for a rollback the active site itself, for `region` the other sites of its cloud, for `dr` the sites
 * of other clouds, for a switchover or a rejoin every other site, for a failback those preferred to
 * the active one.
 */
export function targetsFor(
  plan: PlanKind,
  application: Application,
  active: Site,
): readonly Site[] {
  const others = application.sites.filter((site) => site.id !== active.id);
  switch (plan) {
    case "heal":
      return [active, ...others];
    case "rollback":
      return [active];
    case "region":
      return others.filter((site) => site.cloud === active.cloud);
    case "dr":
      return others.filter((site) => site.cloud !== active.cloud);
    case "switchover":
    case "rejoin":
      return others;
    case "failback": {
      const home = application.sites.findIndex((site) => site.id === active.id);
      return application.sites.slice(0, home);
    }
    default:
      return unreachable(plan);
  }
}

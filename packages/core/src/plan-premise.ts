/** What a plan takes for granted about the roles, and must be checked before it acts. */

import { unreachable } from "./error.ts";
import type { Plan } from "./plan.ts";
import type { SiteId } from "./topology.ts";

/**
 * The site that was active when the plan was made. A move leaves it, a rejoin takes its data for the
 * ones that count, a rollback goes back to it. Null for a heal, which is right whoever is active.
 */
export function activeSiteOf({
  kind,
  from,
  to,
}: Pick<Plan, "kind" | "from" | "to">): SiteId | null {
  switch (kind) {
    case "heal":
      return null;
    case "rollback":
      return to;
    case "region":
    case "dr":
    case "switchover":
    case "failback":
    case "rejoin":
      return from;
    default:
      return unreachable(kind);
  }
}

/** Which sites an action speaks of, and which of them must be alive for it to succeed. */

import { unreachable } from "../error.ts";
import type { StepAction } from "../plan.ts";
import type { SiteId } from "../topology.ts";

/** Every site the action names. */
export function sitesNamedBy(action: StepAction): readonly SiteId[] {
  switch (action.kind) {
    case "approval":
    case "pause":
    case "notify":
    case "report":
      return [];
    case "measure-loss":
    case "drain-replication":
    case "drain-objects":
    case "switch-traffic":
    case "settle-objects":
      return [action.from, action.to];
    case "rejoin-site":
      return [action.site, action.writer];
    case "compare-sites":
      return [action.writer, action.follower];
    case "promote-database":
      return [action.site, action.from];
    case "fence-site":
    case "unfence-site":
    case "restart-database":
    case "scale-workload":
    case "restart-workload":
    case "open-writes":
    case "verify-convergence":
    case "record-salvage":
    case "admit-site":
      return [action.site];
    case "verify-site":
      return action.follows === undefined ? [action.site] : [action.site, action.follows];
    default:
      return unreachable(action);
  }
}

/**
 * The sites without which the action cannot succeed. A fence needs nobody: stopping a site that
 * does not answer is what it is for. Switching traffic talks to the name servers only.
 */
export function sitesNeededBy(action: StepAction): readonly SiteId[] {
  switch (action.kind) {
    case "fence-site":
    case "switch-traffic":
    case "record-salvage":
      return [];
    case "measure-loss":
    case "settle-objects":
      return [action.to];
    case "promote-database":
      return [action.site];
    case "approval":
    case "pause":
    case "notify":
    case "report":
    case "drain-replication":
    case "drain-objects":
    case "unfence-site":
    case "restart-database":
    case "scale-workload":
    case "restart-workload":
    case "verify-site":
    case "open-writes":
    case "verify-convergence":
    case "rejoin-site":
    case "admit-site":
    case "compare-sites":
      return sitesNamedBy(action);
    default:
      return unreachable(action);
  }
}

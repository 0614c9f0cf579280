/** What takes a finished action back, or why nothing does. */

import { unreachable } from "../error.ts";
import type { StepAction, StepUndo } from "../plan.ts";

/** The undo of a step that does `action`. */
export function undoOf(action: StepAction): StepUndo {
  switch (action.kind) {
    case "fence-site":
      return { kind: "action", action: { kind: "unfence-site", site: action.site } };
    case "unfence-site":
      return { kind: "action", action: { kind: "fence-site", site: action.site } };
    case "switch-traffic":
      return {
        kind: "action",
        action: { kind: "switch-traffic", from: action.to, to: action.from },
      };
    case "approval":
    case "pause":
    case "measure-loss":
    case "drain-replication":
    case "drain-objects":
    case "verify-site":
    case "verify-convergence":
    case "record-salvage":
    case "compare-sites":
      return none("It changes nothing.");
    case "settle-objects":
      return none("An object that was copied replaces nothing.");
    case "rejoin-site":
      return none("What the site alone held was decided on before; doing it again finishes it.");
    case "admit-site":
      return none("A site that refuses writes does no harm when it is reached.");
    case "promote-database":
      return none(
        "A promoted copy no longer follows; writes stay refused there, and it is set up as a standby again later.",
      );
    case "scale-workload":
      return none("Running replicas at a site that refuses writes does no harm.");
    case "restart-database":
    case "restart-workload":
      return none("A restart cannot be taken back.");
    case "open-writes":
      return none(
        "From here on clients were told their writes are safe; going back would lose them. Move back with a switchover.",
      );
    case "notify":
    case "report":
      return none("What was said stays said.");
    default:
      return unreachable(action);
  }
}

function none(reason: string): StepUndo {
  return { kind: "none", reason };
}

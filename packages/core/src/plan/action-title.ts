/** What an action will do, in one sentence an operator reads before it happens. */

import { unreachable } from "../error.ts";
import { peopleText } from "../plan-words.ts";
import type { StepAction } from "../plan.ts";
import { limitText } from "../span-text.ts";

/** The title of a step that does `action`. */
export function titleOf(action: StepAction): string {
  switch (action.kind) {
    case "approval":
      return `Wait for ${peopleText(action.approvers)} to approve${action.another === true ? ", one of them not who started the run" : ""}: ${action.question}`;
    case "pause":
      return `Wait ${limitText(action.durationMs)}`;
    case "fence-site":
      return `Stop every writer at ${action.site} and read back that it is stopped`;
    case "unfence-site":
      return `Let ${action.site} accept writes again`;
    case "measure-loss":
      return `Measure how much of ${action.from} has not reached ${action.to}`;
    case "drain-replication":
      return `Wait until ${action.to} has applied everything ${action.from} committed`;
    case "drain-objects":
      return `Wait until every object that ${action.from} has now is at ${action.to}`;
    case "promote-database":
      return `Make the database of ${action.site} the primary, with writes still refused`;
    case "restart-database":
      return `Start the database of ${action.site} again`;
    case "scale-workload":
      return `Run ${action.replicas} ${action.replicas === 1 ? "replica" : "replicas"} of ${action.workload} at ${action.site}`;
    case "restart-workload":
      return `Replace the replicas of ${action.workload} at ${action.site} that are not ready`;
    case "verify-site":
      return verifyTitle(action);
    case "switch-traffic":
      return `Send users from ${action.from} to ${action.to}`;
    case "open-writes":
      return `Let ${action.site} accept writes; from here on there is no way back but another move`;
    case "verify-convergence":
      return `Check from every vantage that users reach ${action.site}`;
    case "settle-objects":
      return `Copy what ${action.from} still has of the objects, if it answers, and list those ${action.to} lacks`;
    case "record-salvage":
      return `Check what people decided about the writes that only ${action.site} has, and keep it with the run`;
    case "rejoin-site":
      return `Repair ${action.site} by key from ${action.writer} and let it follow, without a full copy`;
    case "admit-site":
      return `Let users and replication reach ${action.site} again`;
    case "compare-sites":
      return `Compare the checksums of every table at ${action.writer} and ${action.follower}`;
    case "notify":
      return `Tell people: ${action.message}`;
    case "report":
      return "Write the report of this run";
    default:
      return unreachable(action);
  }
}

function verifyTitle({
  site,
  expect,
  follows,
}: Extract<StepAction, { readonly kind: "verify-site" }>): string {
  if (expect === "serving") return `Check that ${site} serves and accepts writes`;
  return follows === undefined
    ? `Check that ${site} is up and refuses writes`
    : `Check that ${site} is up, refuses writes and follows ${follows}`;
}

/** Which plans make room for others. */

import type { PlanKind } from "./plan.ts";

/**
 * Whether a plan of kind `next` may cancel a run of kind `running` and take its place: a move a
 * heal that did not help, anything else a rejoin. A repair of the standby can be done again at any
 * time; a sick writer must not wait for it.
 */
export function supersedes(next: PlanKind, running: PlanKind): boolean {
  if (running === "heal") return next !== "heal" && next !== "rejoin";
  return running === "rejoin" && next !== "rejoin";
}

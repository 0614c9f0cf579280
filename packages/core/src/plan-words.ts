/** What plans are called in sentences. */

import type { PlanKind } from "./plan.ts";

const WORDS: Readonly<Record<PlanKind, string>> = {
  heal: "healing in place",
  region: "region failover",
  dr: "DR failover",
  switchover: "switchover",
  rollback: "rollback",
  rejoin: "rejoin",
  failback: "failback",
};

/**
 * Whether a plan of this kind changes who writes and so claims a generation of its own. A heal and
 * a rejoin work within the current one: a new generation would end the lease of a healthy writer.
 */
export function claimsGeneration(kind: PlanKind): boolean {
  return kind !== "heal" && kind !== "rejoin";
}

/** The kind of plan as a noun, for instance `DR failover`. */
export function planWords(kind: PlanKind): string {
  return WORDS[kind];
}

/** `1 person`, `2 people`. */
export function peopleText(count: number): string {
  return count === 1 ? "1 person" : `${count} people`;
}

/** What plans are called in sentences. */

import type { PlanKind } from "./plan.ts";

const WORDS: Readonly<Record<PlanKind, string>> = {
  heal: "healing in place",
  region: "region failover",
  dr: "DR failover",
  switchover: "switchover",
  rollback: "rollback",
};

/** The kind of plan as a noun, for instance `DR failover`. */
export function planWords(kind: PlanKind): string {
  return WORDS[kind];
}

/** `1 person`, `2 people`. */
export function peopleText(count: number): string {
  return count === 1 ? "1 person" : `${count} people`;
}

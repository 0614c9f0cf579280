/** Which guards are asked for what, in the order operators read them. */

import { unreachable } from "../error.ts";
import type { GuardResult } from "../decision.ts";
import type { PlanKind } from "../plan.ts";
import { cooldown } from "./cooldown.ts";
import { dataFresh } from "./data-fresh.ts";
import { evidence } from "./evidence.ts";
import { fenceObtainable } from "./fence-obtainable.ts";
import { freezeWindow } from "./freeze-window.ts";
import type { Guard, GuardCause, GuardFacts } from "./guard.ts";
import { healsLeft } from "./heals-left.ts";
import { maintenance } from "./maintenance.ts";
import { mode } from "./mode.ts";
import { monitorsSane } from "./monitors-sane.ts";
import { moveToUndo } from "./move-to-undo.ts";
import { neverOpened } from "./never-opened.ts";
import { oneRun } from "./one-run.ts";
import { quarantine } from "./quarantine.ts";
import { schemaParity } from "./schema-parity.ts";
import { targetExists } from "./target-exists.ts";
import { targetReady } from "./target-ready.ts";

/** What protects against acting on a wrong picture; a person who asks has their own. */
const PICTURE: readonly Guard[] = [evidence, monitorsSane, mode, maintenance];
/** What protects the data and the target; nobody is exempt. */
const MOVE: readonly Guard[] = [
  targetReady,
  dataFresh,
  fenceObtainable,
  schemaParity,
  freezeWindow,
];

/**
 * Asks every guard that has a say in this plan and returns all answers, passing ones included.
 * Without a target the rest would only repeat that there is none, so they are not asked.
 */
export function askGuards(facts: GuardFacts): readonly GuardResult[] {
  const said: GuardResult[] = [];
  const guards = facts.target === null ? [targetExists] : guardsFor(facts.plan, facts.cause);
  for (const guard of guards) said.push(guard(facts, said));
  return said;
}

function guardsFor(plan: PlanKind, cause: GuardCause): readonly Guard[] {
  const asked = cause.kind === "person";
  switch (plan) {
    case "heal":
      return asked ? [targetExists, oneRun] : [targetExists, ...PICTURE, oneRun, healsLeft];
    case "rejoin":
      // The site has its own gate: what people decided about the data it alone holds.
      return [targetExists, quarantine, oneRun];
    case "rollback":
      // The site to go back to is the one that was active until now: no standby is judged.
      return [targetExists, moveToUndo, neverOpened, oneRun];
    case "region":
    case "dr":
    case "switchover":
      return asked
        ? [targetExists, ...MOVE, oneRun]
        : [targetExists, ...PICTURE, ...MOVE, cooldown, oneRun];
    case "failback":
      return [targetExists, quarantine, ...MOVE, oneRun];
    default:
      return unreachable(plan);
  }
}

/** From a seed to its faults: one story that is likely to move the application, and company. */
import { type Chance, chanceOf } from "./chance.ts";
import type { Fault } from "./disasters.ts";
import { FAULT_KINDS, type FaultKind, MAY_LAST } from "./faults.ts";
import { PHASES } from "./phases.ts";
import type { Settings } from "./settings.ts";

/** What makes the active site look dead to everybody: without it few moves would be seen. */
const MOVERS: readonly FaultKind[] = [
  "site-crash",
  "site-crash",
  "site-isolated",
  "site-isolated",
  "site-cut-outwards",
  "site-cut-inwards",
  "witness-and-users-cut-off",
];

/** The faults of a seed. */
export function scheduleOf({ seed }: Settings): readonly Fault[] {
  const chance = chanceOf(seed, "schedule");
  const faults: Fault[] = [];
  if (chance.hits(0.72)) {
    faults.push(mover(chance));
  } else if (chance.hits(0.6)) {
    faults.push({ kind: "people-switch-over", when: early(chance), lastsMs: 0, roll: 0 });
  }
  const company = chance.pick([0, 1, 1, 2, 2, 3, 4]);
  for (let index = 0; index < company; index += 1) faults.push(companion(chance, index));
  return faults;
}

function mover(chance: Chance): Fault {
  const kind = chance.pick(MOVERS);
  const forever = MAY_LAST.includes(kind) && chance.hits(0.4);
  return {
    kind,
    when: early(chance),
    lastsMs: forever ? null : chance.between(4_000, 22_000),
    roll: 0,
  };
}

/** Late enough that a leader has seen the sites alive. */
function early(chance: Chance): { readonly atMs: number } {
  return { atMs: chance.between(3_000, 8_000) };
}

function companion(chance: Chance, index: number): Fault {
  const when = chance.hits(0.75)
    ? { phase: chance.pick(PHASES), afterMs: chance.between(0, chance.pick([20, 400, 3_000])) }
    : { atMs: chance.between(500, 16_000) };
  return {
    kind: chance.pick(FAULT_KINDS),
    when,
    lastsMs: chance.between(200, chance.pick([1_500, 6_000, 14_000])),
    roll: index + 1,
  };
}

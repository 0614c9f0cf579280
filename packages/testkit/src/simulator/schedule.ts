/**
 * From a seed to its faults: something that is likely to move the application, and company; or one
 * of the stories known to be hard, with its instants left to chance.
 */
import { type Chance, chanceOf } from "./chance.ts";
import type { Fault } from "./disasters.ts";
import { FAULT_KINDS, type FaultKind, MAY_LAST, MOVERS } from "./faults.ts";
import { PHASES, type Phase } from "./phases.ts";
import type { Settings } from "./settings.ts";

/** Without a mover few moves would be seen; those that may last for ever are drawn twice as often. */
const MOVERS_DRAWN: readonly FaultKind[] = MOVERS.flatMap((kind) =>
  MAY_LAST.includes(kind) ? [kind, kind] : [kind],
);

const STORIES_SHARE = 0.35;

/** The faults of a seed. */
export function scheduleOf({ seed }: Settings): readonly Fault[] {
  const chance = chanceOf(seed, "schedule");
  if (chance.hits(STORIES_SHARE)) {
    const story = chance.pick(STORIES)(chance);
    return chance.hits(0.3) ? [...story, companion(chance, 9)] : story;
  }
  const faults: Fault[] = [];
  if (chance.hits(0.75)) faults.push(mover(chance));
  else if (chance.hits(0.6)) faults.push(at("people-switch-over", early(chance), 0));
  const company = chance.pick([0, 1, 1, 2, 2, 3, 4]);
  for (let index = 0; index < company; index += 1) faults.push(companion(chance, index));
  return faults;
}

type Story = (chance: Chance) => readonly Fault[];

const STORIES: readonly Story[] = [
  // The agent freezes while its lease is being taken away: only the wait for the lapse helps.
  (chance) => [
    at("only-witness-left", early(chance), chance.between(9_000, 14_000)),
    during("agent-frozen", chance.pick(["deciding", "fencing"]), [chance.between(0, 900), 7_000]),
  ],
  // … or loses the witness just then.
  (chance) => [
    at("only-witness-left", early(chance), chance.between(9_000, 14_000)),
    during("witness-cut-off", "fencing", [chance.between(0, 300), 6_000]),
  ],
  // The agent freezes between the grant and taking it up.
  (chance) => [
    at("only-witness-left", early(chance), chance.between(9_000, 14_000)),
    at("slow-witness", 1_000, 12_000),
    during("agent-frozen", "deciding", [chance.between(500, 3_000), chance.between(5_000, 8_000)]),
  ],
  // Services freeze with answers on the way to them, most of all where a disk is slow.
  (chance) => [
    ...(chance.hits(0.5) ? [at("slow-disk", 1_500, 14_000)] : []),
    at("only-witness-left", early(chance), chance.between(9_000, 14_000)),
    during("services-frozen", "fencing", [chance.between(0, 100), chance.between(2_000, 9_000)]),
  ],
  // Nobody can be told to make no more promises, so the lease proves nothing.
  (chance) => [
    at(chance.pick(["only-peers-left", "site-isolated"]), early(chance), 24_000),
    during("standby-database-frozen", "fencing", [
      chance.between(0, 50),
      chance.pick([9_000, chance.between(13_000, 17_000)]),
    ]),
  ],
  // A slow disk answers commits long after they were accepted.
  (chance) => [
    at("slow-disk", 1_500, 14_000),
    at("only-witness-left", early(chance), chance.between(9_000, 14_000)),
    during("agent-frozen", "fencing", [chance.between(0, 300), 5_000]),
  ],
  // Transactions that began in time want to commit late.
  (chance) => [
    at("long-transactions", 1_500, 9_000),
    at("only-witness-left", early(chance), chance.between(9_000, 14_000)),
  ],
  // A planned move while the standby is behind.
  (chance) => [
    at("standby-stalled", chance.between(1_000, 3_000), chance.between(4_000, 8_000)),
    at("people-switch-over", chance.between(3_000, 7_000), 0),
  ],
  // A move that people take back while the trouble goes on.
  (chance) => [
    at("entry-cut-off", early(chance), chance.between(8_000, 18_000)),
    during("people-cancel", chance.pick(["fencing", "promoting", "opening"]), [
      chance.between(0, 400),
      0,
    ]),
  ],
  // … while what the move asked of the site waits in cut connections, and arrives after its undo.
  (chance) => [
    at("only-witness-left", early(chance), chance.between(7_000, 12_000)),
    during("people-cancel", "fencing", [chance.between(500, 2_500), 0]),
  ],
  // Somebody wants to go back just before the move is settled. Whoever was asked freezes over it, goes
  // on with the roles of then once the move is done, and the next leader finds that run.
  (chance) => {
    const askedMs = chance.between(0, chance.pick([15, 80]));
    const frozenMs = askedMs + chance.between(0, 6);
    const thawsMs = frozenMs + chance.between(5_000, 8_000);
    return [
      at(
        chance.pick(["only-witness-left", "entry-cut-off"]),
        early(chance),
        chance.between(6_000, 9_000),
      ),
      during("people-roll-back", "opening", [askedMs, 0]),
      during("controller-frozen", "opening", [frozenMs, thawsMs - frozenMs]),
      during("controller-crash", "opening", [thawsMs + chance.between(200, 1_500), 800]),
    ];
  },
  // The leader freezes in the middle of a move and comes back as somebody else goes on.
  (chance) => [
    mover(chance),
    during("controller-frozen", chance.pick(PHASES.slice(2)), [
      chance.between(0, 300),
      chance.between(2_500, 7_000),
    ]),
  ],
  // The standby was far behind when the site was lost.
  (chance) => [
    at("replication-cut", 1_500, 14_000),
    at(chance.pick(["site-crash", "site-isolated"]), chance.between(5_000, 11_000), null),
  ],
];

function mover(chance: Chance): Fault {
  const kind = chance.pick(MOVERS_DRAWN);
  const forever = MAY_LAST.includes(kind) && chance.hits(0.4);
  return at(kind, early(chance), forever ? null : chance.between(4_000, 15_000));
}

/** Late enough that a leader has seen the sites alive. */
function early(chance: Chance): number {
  return chance.between(2_500, 5_000);
}

function companion(chance: Chance, index: number): Fault {
  const when = chance.hits(0.75)
    ? { phase: chance.pick(PHASES), afterMs: chance.between(0, chance.pick([20, 400, 3_000])) }
    : { atMs: chance.between(500, 12_000) };
  return {
    kind: chance.pick(FAULT_KINDS),
    when,
    lastsMs: chance.between(200, chance.pick([1_500, 5_000, 10_000])),
    roll: index + 1,
  };
}

function at(kind: FaultKind, atMs: number, lastsMs: number | null): Fault {
  return { kind, when: { atMs }, lastsMs, roll: 0 };
}

function during(
  kind: FaultKind,
  phase: Phase,
  [afterMs, lastsMs]: readonly [afterMs: number, lastsMs: number],
): Fault {
  return { kind, when: { phase, afterMs }, lastsMs, roll: 0 };
}

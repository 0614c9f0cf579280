// The simulator itself: it repeats itself, holds over a fixed set of seeds, and finds sabotages.
import { describe, expect, test } from "vitest";
import { neverOccurred } from "../src/simulator/coverage.ts";
import { FAULT_KINDS } from "../src/simulator/faults.ts";
import { MUTANTS } from "../src/simulator/mutants.ts";
import { PHASES } from "../src/simulator/phases.ts";
import { shrink } from "../src/simulator/shrink.ts";
import { simulate } from "../src/simulator/simulation.ts";

const SEEDS = 200;
/** Generous: the machine may be busy with other things. */
const LIMIT_MS = 180_000;

describe("a seed", () => {
  test("gives the same events, timeline and hash every time", async () => {
    for (const seed of [3, 17, 42]) {
      const once = await simulate({ seed, recording: true });
      const again = await simulate({ seed, recording: true });
      expect(again).toEqual(once);
      expect(once.events).toBeGreaterThan(1_000);
    }
  });

  test("gives another story than its neighbour", async () => {
    const [one, other] = [await simulate({ seed: 1 }), await simulate({ seed: 2 })];
    expect(other.hash).not.toBe(one.hash);
  });

  test("does not depend on whether the timeline is kept", async () => {
    const plain = await simulate({ seed: 5 });
    const recorded = await simulate({ seed: 5, recording: true });
    expect(recorded.hash).toBe(plain.hash);
  });
});

test(
  `no invariant is broken by the first ${SEEDS} seeds, and things really happen in them`,
  async () => {
    let [moves, acknowledged] = [0, 0];
    const covered = new Set<string>();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const result = await simulate({ seed });
      expect(result.violations, `seed ${seed}`).toEqual([]);
      moves += result.moves;
      acknowledged += result.acknowledged;
      for (const cell of result.covered) covered.add(cell);
    }
    expect(moves).toBeGreaterThan(SEEDS / 2);
    expect(acknowledged).toBeGreaterThan(SEEDS * 20);
    expect(covered.size).toBeGreaterThan(60);
  },
  LIMIT_MS,
);

/** Sabotages that soon show, each with the invariant that has to notice. */
const QUICKLY_FOUND: readonly (readonly [mutant: string, invariants: readonly string[]])[] = [
  ["renew-on-silence", ["one-writer", "broken-proof"]],
  ["grant-without-seal", ["one-writer", "liveness"]],
  ["seal-not-stored", ["one-writer", "broken-proof"]],
  ["promote-before-fence", ["unproven-fence"]],
  ["no-hysteresis", ["hasty"]],
  ["unknown-counts-as-bad", ["blind", "evidence", "hasty"]],
  ["stale-looks-fresh", ["bad-standby", "lost-writes"]],
  ["loss-understated", ["lost-writes"]],
  ["lease-ended-early", ["broken-proof"]],
  ["never-dr", ["liveness"]],
  ["fence-never-succeeds", ["liveness"]],
  ["promote-always-fails", ["liveness"]],
  ["scale-hangs", ["liveness"]],
  ["answers-dropped", ["liveness"]],
];

describe("the sabotage", () => {
  test.each(QUICKLY_FOUND)(
    "%s is found",
    async (mutant, invariants) => {
      expect(MUTANTS[mutant]).toBeDefined();
      const found = await firstViolation(mutant);
      expect(invariants).toContain(found.invariant);
      expect((await simulate({ seed: found.seed })).violations).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    "is shown by a shorter schedule that breaks the same invariant",
    async () => {
      const { seed, invariant } = await firstViolation("grant-without-seal");
      const sabotages = ["grant-without-seal"];
      const whole = await simulate({ seed, sabotages });
      const smallest = await shrink({ seed, sabotages });
      expect(smallest?.violations[0]?.invariant).toBe(invariant);
      expect(smallest?.faults.length).toBeLessThanOrEqual(whole.faults.length);
      expect(smallest?.timeline.length).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );
});

describe("a campaign has seen enough", () => {
  const all = Object.fromEntries(
    FAULT_KINDS.flatMap((kind) => PHASES.map((phase) => [`${kind} ${phase}`, 1])),
  );
  const without = (gone: (cell: string) => boolean): Record<string, number> =>
    Object.fromEntries(Object.entries(all).filter(([cell]) => !gone(cell)));

  test("if every fault struck in every phase, at any size", () => {
    for (const seeds of [300, 1_000, 20_000]) {
      expect(neverOccurred({ seeds, covered: all })).toEqual([]);
    }
  });

  test("not if something is missing that is common at its size", () => {
    const crash = without((cell) => cell === "site-crash idle");
    expect(neverOccurred({ seeds: 299, covered: crash })).toEqual([]);
    expect(neverOccurred({ seeds: 300, covered: crash })).toEqual(["site-crash idle"]);
    const switching = without((cell) => cell.endsWith(" switching"));
    expect(neverOccurred({ seeds: 300, covered: switching })).toEqual([
      "anything in phase switching",
    ]);
    const pods = without((cell) => cell.startsWith("pods-down "));
    expect(neverOccurred({ seeds: 999, covered: pods })).toEqual([]);
    expect(neverOccurred({ seeds: 1_000, covered: pods })).toEqual(["pods-down"]);
    const rare = without((cell) => cell === "pods-down opening");
    expect(neverOccurred({ seeds: 19_999, covered: rare })).toEqual([]);
    expect(neverOccurred({ seeds: 20_000, covered: rare })).toEqual(["pods-down opening"]);
  });
});

async function firstViolation(mutant: string): Promise<{ seed: number; invariant: string }> {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { violations } = await simulate({ seed, sabotages: [mutant] });
    if (violations[0] !== undefined) return { seed, invariant: violations[0].invariant };
  }
  throw new Error(`${mutant} survived ${SEEDS} seeds`);
}

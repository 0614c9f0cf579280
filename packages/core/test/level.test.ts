import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../src/index.ts";
import type { Level, LevelState, SiteScore } from "../src/index.ts";
import { advanceLevel, levelOf } from "../src/level.ts";
import { AWS } from "./shop.ts";

function scored(points: number, coverage = 1): SiteScore {
  return { site: AWS, points, coverage, contributions: [] };
}

/** Looks at [instant, points, coverage] in order and returns the state after each. */
function looks(...seen: readonly (readonly [number, number, number?])[]): LevelState[] {
  const states: LevelState[] = [];
  for (const [atMs, points, coverage] of seen) {
    states.push(advanceLevel(states.at(-1), scored(points, coverage), DEFAULT_POLICY, atMs));
  }
  return states;
}

function levels(states: readonly LevelState[]): Level[] {
  return states.map((state) => state.level);
}

test.each([
  [0, "none"],
  [3, "none"],
  [4, "heal"],
  [7, "heal"],
  [8, "region"],
  [10, "region"],
  [11, "dr"],
  [99, "dr"],
] as const)("%d points stand for %s", (points, level) => {
  expect(levelOf(points, DEFAULT_POLICY.bands)).toBe(level);
});

describe("raising", () => {
  test("each level counts once the score has held its own time", () => {
    const seen = looks([0, 12], [2_999, 12], [3_000, 12], [10_000, 12], [14_999, 12], [15_000, 12]);
    expect(levels(seen)).toEqual(["none", "none", "heal", "region", "region", "dr"]);
  });

  test("a single look below the band starts the hold again", () => {
    const seen = looks([0, 12], [9_000, 12], [9_500, 10], [10_000, 12], [24_999, 12], [25_000, 12]);
    expect(levels(seen)).toEqual(["none", "heal", "heal", "region", "region", "dr"]);
  });

  test("a look with too little coverage starts every hold again", () => {
    const seen = looks([0, 5], [2_000, 5, 0.4], [3_000, 5], [5_999, 5], [6_000, 5]);
    expect(levels(seen)).toEqual(["none", "none", "none", "none", "heal"]);
  });

  test("a clock that jumps back does not make the hold longer than it is", () => {
    const seen = looks([1_000_000, 5], [0, 5], [3_000, 5]);
    expect(levels(seen)).toEqual(["none", "none", "heal"]);
  });
});

describe("clearing", () => {
  const healing = looks([0, 5], [3_000, 5])[1]!;
  const after = (...seen: readonly (readonly [number, number, number?])[]): Level[] => {
    const states: LevelState[] = [healing];
    for (const [atMs, points, coverage] of seen) {
      states.push(advanceLevel(states.at(-1), scored(points, coverage), DEFAULT_POLICY, atMs));
    }
    return levels(states.slice(1));
  };

  test("a level clears after its time below the margin", () => {
    expect(after([4_000, 2], [8_999, 2], [9_000, 2])).toEqual(["heal", "heal", "none"]);
  });

  test("a score inside the margin does not clear", () => {
    expect(after([4_000, 3], [60_000, 3])).toEqual(["heal", "heal"]);
  });

  test("one bad look starts the clearing again", () => {
    expect(after([4_000, 2], [8_000, 3], [9_000, 2], [13_999, 2], [14_000, 2])).toEqual([
      "heal",
      "heal",
      "heal",
      "heal",
      "none",
    ]);
  });

  test("too little coverage neither raises nor clears", () => {
    expect(after([4_000, 0, 0.49], [60_000, 0, 0.49])).toEqual(["heal", "heal"]);
  });

  test("a grave level falls to the gravest level that has held", () => {
    const seen = looks([0, 12], [15_000, 12], [16_000, 9], [20_999, 9], [21_000, 9]);
    expect(levels(seen)).toEqual(["none", "dr", "dr", "dr", "region"]);
  });
});

// Goal: whatever flaps faster than the hold never raises a level. Method: bad spells shorter than
// the shortest hold, each followed by at least one look below every band.
test("a score that flaps faster than the hold never raises a level", () => {
  const spell = fc.record({
    points: fc.integer({ min: 4, max: 40 }),
    badMs: fc.integer({ min: 0, max: DEFAULT_POLICY.holdMs.heal - 1 }),
    goodMs: fc.integer({ min: 1, max: 10_000 }),
    calm: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(spell, { minLength: 1, maxLength: 30 }), (spells) => {
      let atMs = 0;
      let state: LevelState | undefined;
      for (const { points, badMs, goodMs, calm } of spells) {
        for (const [span, seen] of [
          [0, points],
          [badMs, points],
          [goodMs, calm],
        ] as const) {
          atMs += span;
          state = advanceLevel(state, scored(seen), DEFAULT_POLICY, atMs);
          expect(state.level).toBe("none");
        }
      }
    }),
  );
});

test("a level never counts without a score that reached its band", () => {
  const look = fc.tuple(fc.integer({ min: 1, max: 9_000 }), fc.integer({ min: 0, max: 7 }));
  fc.assert(
    fc.property(fc.array(look, { maxLength: 40 }), (seen) => {
      let atMs = 0;
      const absolute = seen.map(([span, points]) => [(atMs += span), points] as const);
      for (const level of levels(looks(...absolute))) expect(["none", "heal"]).toContain(level);
    }),
  );
});

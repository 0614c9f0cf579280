import { describe, expect, test } from "vitest";
import { advancedValue, type SequenceFacts } from "../src/sequences.ts";

const UNUSED: SequenceFacts = {
  name: "public.s",
  incrementBy: 1n,
  minValue: 1n,
  maxValue: 9_223_372_036_854_775_807n,
  startValue: 1n,
  lastValue: null,
  sampled: null,
  furthestKey: null,
};

describe("a sequence at a new primary", () => {
  test("starts past the furthest of everything known, plus the headroom", () => {
    const facts = { ...UNUSED, lastValue: 10n, sampled: 50n, furthestKey: 70n };
    expect(advancedValue(facts, null, 100n)).toBe(170n);
    expect(advancedValue(facts, 90n, 100n)).toBe(190n);
    expect(advancedValue({ ...facts, incrementBy: 5n }, null, 100n)).toBe(570n);
  });

  test("gets headroom even if nobody saw it used: its first use may be what was lost", () => {
    expect(advancedValue({ ...UNUSED, startValue: 1_000n }, null, 100n)).toBe(1_099n);
  });

  test("that counts downwards starts below everything known", () => {
    const facts = {
      ...UNUSED,
      incrementBy: -1n,
      minValue: -500n,
      maxValue: -1n,
      startValue: -1n,
      sampled: -20n,
      furthestKey: -30n,
    };
    expect(advancedValue(facts, null, 100n)).toBe(-130n);
    expect(advancedValue(facts, null, 1_000n)).toBe(-500n);
  });

  test("near the end of its range gets the room that is left", () => {
    const facts = { ...UNUSED, maxValue: 32_767n, sampled: 32_000n };
    expect(advancedValue(facts, null, 10_000n)).toBe(32_767n);
  });

  test("does not lose precision beyond what a double can hold", () => {
    const facts = { ...UNUSED, sampled: 9_007_199_254_740_993n };
    expect(advancedValue(facts, null, 2n)).toBe(9_007_199_254_740_995n);
  });
});

import { expect, test } from "vitest";
import { DEFAULT_POLICY, POLICY_REASONS, SIGNAL_KINDS, defaultPoints } from "../src/index.ts";
import { levelOf } from "../src/level.ts";

test.each(SIGNAL_KINDS)("%s alone stands for healing at most", (kind) => {
  const { degraded, unhealthy } = defaultPoints(kind);
  expect(degraded).toBeLessThanOrEqual(unhealthy);
  expect(["none", "heal"]).toContain(levelOf(unhealthy, DEFAULT_POLICY.bands));
});

test("no two kinds of signals reach dr together", () => {
  const worst = SIGNAL_KINDS.map((kind) => defaultPoints(kind).unhealthy).toSorted((a, b) => b - a);
  expect(worst[0]! + worst[1]!).toBeLessThan(DEFAULT_POLICY.bands.dr);
});

test("every default has a reason, and every reason is a sentence", () => {
  expect(Object.keys(POLICY_REASONS).toSorted()).toEqual(Object.keys(DEFAULT_POLICY).toSorted());
  for (const reason of Object.values(POLICY_REASONS)) expect(reason).toMatch(/^[A-Z].*\.$/);
});

test("bands, holds and evidence grow with the gravity of the level", () => {
  const { bands, holdMs, evidenceMin } = DEFAULT_POLICY;
  for (const { heal, region, dr } of [bands, holdMs, evidenceMin]) {
    expect(heal).toBeLessThan(region);
    expect(region).toBeLessThan(dr);
  }
});

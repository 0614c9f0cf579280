import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_POLICY, LEVELS, decide } from "../src/index.ts";
import type { Signal, Status } from "../src/index.ts";
import { levelOf } from "../src/level.ts";
import { allOf } from "./outcomes.ts";
import {
  ALL_HEALTHY,
  AWS,
  AZURE,
  type Answers,
  NOW,
  REGION_LOST,
  SIGNALS,
  decideFor,
  observe,
  situation,
} from "./shop.ts";

// Goal: no answer about a standby pushes the application anywhere. Method: any answers about the
// active site, twice: with a healthy standby and with any other answers about it.
describe("whatever the answers", () => {
  const status = fc.constantFrom<Status>("healthy", "degraded", "unhealthy", "unknown");
  const answersFor = (signals: readonly Signal[]) =>
    fc.record(Object.fromEntries(signals.map((one) => [one.id, status])));
  const ofActive = answersFor(SIGNALS.filter((one) => one.site === AWS));
  const ofStandby = answersFor(SIGNALS.filter((one) => one.site === AZURE));

  test("a standby's own red signals never push towards it nor change the verdict", () => {
    fc.assert(
      fc.property(ofActive, ofStandby, (active, standby) => {
        const with_ = (answers: Answers) =>
          decideFor(16_000, () => ({ ...active, ...answers })).last;
        const calm = with_(allOf(AZURE, "healthy"));
        const noisy = with_(standby);
        expect(noisy.verdict).toBe(calm.verdict);
        expect(noisy.score).toEqual(calm.score);
        // What a standby says can stop an action, make it wait for people, or have the standby
        // repaired; it never starts or changes anything else.
        if (noisy.action.kind !== "act") return;
        if (noisy.action.plan === "heal" && noisy.action.target === AZURE) return;
        expect(calm.action).toMatchObject({ ...noisy.action, approvers: expect.any(Number) });
        const { approvers = 0 } = "approvers" in calm.action ? calm.action : {};
        expect(noisy.action.approvers).toBeGreaterThanOrEqual(approvers);
      }),
      { numRuns: 60 },
    );
  });

  test("one more healthy answer never raises the level the score stands for", () => {
    fc.assert(
      fc.property(ofActive, fc.constantFrom(...SIGNALS.map((one) => one.id)), (answers, id) => {
        const before = levelOf(pointsOf(answers), DEFAULT_POLICY.bands);
        const after = levelOf(pointsOf({ ...answers, [id]: "healthy" }), DEFAULT_POLICY.bands);
        expect(LEVELS.indexOf(after)).toBeLessThanOrEqual(LEVELS.indexOf(before));
      }),
    );
  });

  test("the application is moved only on a score of three witnesses and never in the dark", () => {
    fc.assert(
      fc.property(ofActive, (answers) => {
        const { last } = decideFor(16_000, () => ({ ...ALL_HEALTHY, ...answers }));
        if (last.action.kind !== "act" || last.action.plan !== "dr") return;
        expect(last.score.points).toBeGreaterThanOrEqual(11);
        expect(last.score.coverage).toBeGreaterThanOrEqual(0.5);
        expect(last.evidence.failureDomains.length).toBeGreaterThanOrEqual(3);
      }),
      { numRuns: 60 },
    );
  });

  test("the same situation gives the same decision", () => {
    const given = situation({ observations: observe(REGION_LOST, NOW) });
    expect(decide(given)).toEqual(decide(given));
  });
});

function pointsOf(answers: Answers): number {
  return decide(situation({ observations: observe(answers, NOW) })).score.points;
}

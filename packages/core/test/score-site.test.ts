import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scoreSite } from "../src/index.ts";
import type { Observation, Signal, Status, VantageSight } from "../src/index.ts";
import { AWS, NOW, REGION_LOST, SIGNALS, VANTAGES, observe, signal } from "./shop.ts";

interface Scene {
  readonly signals?: readonly Signal[];
  readonly observations: readonly Observation[];
  readonly sights?: readonly VantageSight[];
}

function score({ signals = SIGNALS, observations, sights = [] }: Scene) {
  return scoreSite({ site: AWS, signals, vantages: VANTAGES, observations, sights, nowMs: NOW });
}

function said(vantage: string, status: Status, ageMs = 0): Observation {
  return { signal: "s", vantage, atMs: NOW - ageMs, status, detail: vantage, latencyMs: 1 };
}

function sight(sees: boolean, ageMs: number): VantageSight[] {
  return [{ vantage: "control", atMs: NOW - ageMs, sees }];
}

const ALARM: Signal = signal("s", { kind: "alarm" });
const FROM_THREE: Signal = { ...ALARM, vantages: ["control", "internet", "azure"] };

describe("one vantage", () => {
  test.each([
    ["healthy", 0, 1],
    ["degraded", 2, 1],
    ["unhealthy", 5, 1],
    ["unknown", 0, 0],
  ] as const)("%s service health adds %d points at coverage %d", (status, points, coverage) => {
    const signals = [signal("s", { kind: "service-health" })];
    const result = score({ signals, observations: [said("control", status)] });
    expect(result).toMatchObject({ points, coverage });
  });

  test("an answer counts up to its freshness and not a millisecond longer", () => {
    const signals = [ALARM];
    expect(score({ signals, observations: [said("control", "unhealthy", 3_500)] }).points).toBe(5);
    const stale = score({ signals, observations: [said("control", "unhealthy", 3_501)] });
    expect(stale).toMatchObject({ points: 0, coverage: 0 });
    expect(stale.contributions[0]?.detail).toBe("the last answer from control is stale");
  });

  test("an answer from far in the future does not stay fresh", () => {
    const result = score({
      signals: [ALARM],
      observations: [said("control", "unhealthy", -3_501)],
    });
    expect(result).toMatchObject({ points: 0, coverage: 0 });
  });

  test("only the newest answer counts, in whichever order they arrive", () => {
    const older = said("control", "unhealthy", 1_000);
    const newer = said("control", "healthy", 500);
    expect(score({ signals: [ALARM], observations: [older, newer] }).points).toBe(0);
    expect(score({ signals: [ALARM], observations: [newer, older] }).points).toBe(0);
  });

  test("of two answers asked at the same instant the milder counts, whichever came first", () => {
    const observations = [said("control", "unhealthy"), said("control", "healthy")];
    expect(score({ signals: [ALARM], observations }).points).toBe(0);
    expect(score({ signals: [ALARM], observations: observations.toReversed() }).points).toBe(0);
  });

  test("signals of another site do not count", () => {
    const signals = [{ ...ALARM, site: "elsewhere" }];
    const result = score({ signals, observations: [said("control", "unhealthy")] });
    expect(result).toMatchObject({ points: 0, coverage: 1, contributions: [] });
  });

  test("a vantage nobody configured has no say", () => {
    const signals = [{ ...ALARM, vantages: ["nowhere"] }];
    const result = score({ signals, observations: [said("nowhere", "unhealthy")] });
    expect(result).toMatchObject({ points: 0, coverage: 0 });
  });
});

describe("several vantages", () => {
  const healthy = "healthy";
  const degraded = "degraded";
  const unhealthy = "unhealthy";
  const unknown = "unknown";

  test.each<[readonly Status[], Status]>([
    [[unhealthy, unhealthy, healthy], unhealthy],
    [[unhealthy, healthy, healthy], healthy],
    [[unhealthy, degraded, healthy], degraded],
    [[unhealthy, unhealthy, unknown], unhealthy],
    [[unhealthy, unknown, unknown], unknown],
    [[healthy, unknown, unknown], unknown],
    [[healthy, healthy, unknown], healthy],
    [[unhealthy, healthy, unknown], unknown],
  ])("%j settle on %s", (answers, settled) => {
    const observations = answers.map((status, index) => said(FROM_THREE.vantages[index]!, status));
    expect(score({ signals: [FROM_THREE], observations }).contributions[0]?.status).toBe(settled);
  });

  test("a tie settles on the milder answer", () => {
    const signals = [{ ...ALARM, vantages: ["control", "internet"] }];
    const observations = [said("control", "unhealthy"), said("internet", "healthy")];
    expect(score({ signals, observations }).contributions[0]?.status).toBe("healthy");
  });

  test("a contribution names the vantages that agree and what would have to break there", () => {
    const observations = [
      said("internet", "unhealthy", 20),
      said("control", "unhealthy", 10),
      said("azure", "healthy"),
    ];
    expect(score({ signals: [FROM_THREE], observations }).contributions[0]).toMatchObject({
      vantages: ["control", "internet"],
      failureDomains: ["control", "internet"],
      detail: "control",
      atMs: NOW - 10,
    });
  });
});

describe("sight", () => {
  const observations = [said("control", "unhealthy")];
  test("a vantage without canaries is believed", () => {
    expect(score({ signals: [ALARM], observations }).points).toBe(5);
  });

  test("a vantage that sees its canaries is believed", () => {
    expect(score({ signals: [ALARM], observations, sights: sight(true, 0) }).points).toBe(5);
  });

  test("a blind vantage has no say", () => {
    const result = score({ signals: [ALARM], observations, sights: sight(false, 0) });
    expect(result).toMatchObject({ points: 0, coverage: 0 });
    expect(result.contributions[0]?.detail).toBe("control is blind: its canaries fail");
  });

  test("a vantage whose canary check fell silent has no say, whatever it last saw", () => {
    for (const sees of [true, false]) {
      const result = score({ signals: [ALARM], observations, sights: sight(sees, 5_001) });
      expect(result).toMatchObject({ points: 0, coverage: 0 });
    }
  });

  test("of two sights at the same instant the blind one counts, whichever came first", () => {
    const sights = [...sight(true, 0), ...sight(false, 0)];
    expect(score({ signals: [ALARM], observations, sights }).points).toBe(0);
    expect(score({ signals: [ALARM], observations, sights: sights.toReversed() }).points).toBe(0);
  });

  test("the newest sight counts", () => {
    const sights = [...sight(false, 100), ...sight(true, 0)];
    expect(score({ signals: [ALARM], observations, sights }).points).toBe(5);
  });
});

test("coverage is weighted by points, and signals worth nothing do not count in it", () => {
  const signals = [
    signal("a", { kind: "service-health" }),
    signal("b", { kind: "external-uptime" }),
    signal("c", { kind: "provider-status" }),
  ];
  const observations = observe({ a: "healthy", b: "unknown" }, NOW, signals);
  expect(score({ signals, observations }).coverage).toBeCloseTo(5 / 8);
});

test("a lost region scores 12 while more than half of the score is still known", () => {
  const result = score({ observations: observe(REGION_LOST, NOW) });
  expect(result.points).toBe(12);
  expect(result.coverage).toBeCloseTo(12 / 22);
});

// Goal: the promises of scoreSite hold in every scene. Method: random signals with one to four
// vantages, random answers of any age, random sights; then one change, and compare.
describe("whatever the scene", () => {
  const statuses = fc.constantFrom<Status>("healthy", "degraded", "unhealthy", "unknown");
  const vantageIds = VANTAGES.map((one) => one.id);
  const points = fc
    .tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 }))
    .map(([degraded, more]) => ({ degraded, unhealthy: degraded + more }));
  const signals = fc.array(
    fc.record({
      vantages: fc.uniqueArray(fc.constantFrom(...vantageIds), { minLength: 1 }),
      points,
    }),
    { minLength: 1, maxLength: 5 },
  );
  const observations = fc.array(
    fc.record({
      signal: fc.constantFrom("0", "1", "2", "3", "4"),
      vantage: fc.constantFrom(...vantageIds),
      status: statuses,
      ageMs: fc.integer({ min: -5_000, max: 5_000 }),
    }),
    { maxLength: 30 },
  );
  const sights = fc.array(
    fc.record({
      vantage: fc.constantFrom(...vantageIds),
      sees: fc.boolean(),
      ageMs: fc.integer({ min: 0, max: 8_000 }),
    }),
    { maxLength: 6 },
  );
  const scenes = fc.record({ signals, observations, sights }).map((scene) => ({
    signals: scene.signals.map((one, index) => signal(`${index}`, { kind: "prometheus", ...one })),
    observations: scene.observations.map(({ ageMs, ...one }) => ({
      ...one,
      atMs: NOW - ageMs,
      detail: one.status,
      latencyMs: null,
    })),
    sights: scene.sights.map(({ ageMs, ...one }) => ({ ...one, atMs: NOW - ageMs })),
  }));
  const anyAnswer = fc.record({
    signal: fc.constantFrom("0", "1", "2", "3", "4"),
    vantage: fc.constantFrom(...vantageIds),
    atMs: fc.integer({ min: NOW - 5_000, max: NOW + 5_000 }),
    latencyMs: fc.constant(null),
  });

  test("an answer that turns unknown never raises the points", () => {
    fc.assert(
      fc.property(scenes, fc.nat(), (scene, pick) => {
        fc.pre(scene.observations.length > 0);
        const index = pick % scene.observations.length;
        const dimmed = scene.observations.map((one, at) =>
          at === index ? { ...one, status: "unknown" as const } : one,
        );
        const after = score({ ...scene, observations: dimmed });
        expect(after.points).toBeLessThanOrEqual(score(scene).points);
      }),
    );
  });

  test("one more unknown answer never raises the points", () => {
    fc.assert(
      fc.property(scenes, anyAnswer, (scene, where) => {
        const extra: Observation = { ...where, status: "unknown", detail: "" };
        const after = score({ ...scene, observations: [...scene.observations, extra] });
        expect(after.points).toBeLessThanOrEqual(score(scene).points);
      }),
    );
  });

  test("one more healthy answer never raises the points", () => {
    fc.assert(
      fc.property(scenes, anyAnswer, (scene, where) => {
        const extra: Observation = { ...where, status: "healthy", detail: "" };
        const after = score({ ...scene, observations: [...scene.observations, extra] });
        expect(after.points).toBeLessThanOrEqual(score(scene).points);
      }),
    );
  });

  test("a vantage that goes blind never raises the points", () => {
    fc.assert(
      fc.property(scenes, fc.constantFrom(...vantageIds), (scene, vantage) => {
        const blind = { vantage, atMs: NOW, sees: false };
        const after = score({ ...scene, sights: [...scene.sights, blind] });
        expect(after.points).toBeLessThanOrEqual(score(scene).points);
      }),
    );
  });

  test("what is silent adds nothing and the order of answers does not matter", () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const before = score(scene);
        const turned = score({
          ...scene,
          observations: scene.observations.toReversed(),
          sights: scene.sights.toReversed(),
        });
        expect([turned.points, turned.coverage]).toEqual([before.points, before.coverage]);
        const mild = before.contributions.filter(
          ({ status }) => status === "unknown" || status === "healthy",
        );
        expect(mild.map((one) => one.points)).toEqual(mild.map(() => 0));
        expect(before.coverage).toBeGreaterThanOrEqual(0);
        expect(before.coverage).toBeLessThanOrEqual(1);
      }),
    );
  });
});

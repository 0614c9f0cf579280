import { describe, expect, test } from "vitest";
import {
  type Decision,
  type EndedHeal,
  type Signal,
  type Situation,
  decide,
} from "../src/index.ts";
import { POD_CRASH, actionOf, afterAMinute, allOf } from "./outcomes.ts";
import {
  ALL_HEALTHY,
  AUTO_POLICY,
  AWS,
  AWS_WEST,
  AZURE,
  type Answers,
  NOW,
  REGION_LOST,
  SIGNALS,
  STANDBY,
  WIDE_SHOP,
  decideFor,
  healsOf,
  situation,
} from "./shop.ts";

describe("healing", () => {
  test("is not started again before the last heal could show", () => {
    expect(actionOf(decideFor(10_000, () => POD_CRASH, healedAt(7_001)).last)).toBe("hold");
    expect(actionOf(decideFor(10_000, () => POD_CRASH, healedAt(7_000)).last)).toBe("act heal");
  });

  test("is given up after three heals in ten minutes: a person is paged", () => {
    const activity = healsOf(AWS, NOW - 400_000, NOW - 200_000, NOW - 10_000);
    const decision = afterAMinute(POD_CRASH, { activity });
    expect(decision.action.kind).toBe("page");
    expect(decision.action.because).toContain("3 of 3 heals used within 10 min");
  });

  test("nothing is started while a level is on its way to clear", () => {
    const { decisions } = decideFor(10_000, (ms) => (ms <= 4_000 ? POD_CRASH : ALL_HEALTHY));
    const late = decisions.slice(9, 17);
    expect(new Set(late.map((one) => one.verdict))).toEqual(new Set(["heal"]));
    expect(new Set(late.map(actionOf))).toEqual(new Set(["hold"]));
    expect(decisions.at(-1)?.verdict).toBe("none");
  });

  test("is off during maintenance", () => {
    const activity = { ...situation().activity, maintenance: "upgrade, by ada" };
    const decision = afterAMinute(POD_CRASH, { activity });
    expect(decision.action).toMatchObject({ kind: "blocked", plan: "heal" });
    expect(decision.action.because).toContain("upgrade, by ada");
  });
});

describe("a standby", () => {
  const REPLICAS_GONE: Answers = {
    ...ALL_HEALTHY,
    "azure-health": "unhealthy",
    "azure-lb": "unhealthy",
    "azure-uptime": "unhealthy",
  };

  test("that lost its replicas is healed in place once that has held", () => {
    expect(decideFor(2_500, () => REPLICAS_GONE).last.action.kind).toBe("hold");
    const { action, verdict } = decideFor(5_000, () => REPLICAS_GONE).last;
    expect(verdict).toBe("none");
    expect(action).toMatchObject({ kind: "act", plan: "heal", target: AZURE, approvers: 0 });
    expect(action.because).toContain("Standby azure-westeurope scores 11");
    expect(action.because).toContain("it could not take over as it is");
  });

  test("is healed when that is what holds up a move, and the move follows", () => {
    const lost = {
      ...REGION_LOST,
      ...pick(REPLICAS_GONE, AZURE),
      "azure-cross": "healthy",
    } as const;
    const standbys = [{ ...STANDBY, entry: "unhealthy" as const }];
    const decision = decideFor(20_000, () => lost, { standbys }).last;
    expect(decision.verdict).toBe("dr");
    expect(decision.action).toMatchObject({ kind: "act", plan: "heal", target: AZURE });
    expect(actionOf(afterAMinute(REGION_LOST))).toBe("act dr");
  });

  test("does not keep the active site from being healed", () => {
    const both = { ...REPLICAS_GONE, "aws-health": "degraded", "aws-lb": "unhealthy" } as const;
    expect(afterAMinute(both).action).toMatchObject({ kind: "act", plan: "heal", target: AWS });
  });

  test("is left alone while it is a former primary that was not taken back", () => {
    const roles = { ...situation().roles, protected: false };
    expect(actionOf(afterAMinute(REPLICAS_GONE, { roles }))).toBe("hold");
    const quarantined = [{ site: AZURE, mayRejoin: false, sentence: "undecided" }];
    expect(actionOf(afterAMinute(REPLICAS_GONE, { quarantined }))).toBe("hold");
  });

  test("is not healed while it is being taken back: its replicas are only coming up", () => {
    const running = { id: "rejoin-1", kind: "rejoin", to: AZURE } as const;
    const activity = { ...situation().activity, running };
    expect(actionOf(afterAMinute(REPLICAS_GONE, { activity }))).toBe("hold");
  });

  test("of which nothing answers any more is left alone: no restart brings a region back", () => {
    const gone = { ...ALL_HEALTHY, ...allOf(AZURE, "unhealthy") };
    expect(actionOf(afterAMinute(gone))).toBe("hold");
  });

  test("about which too little is known is left alone", () => {
    const dark = {
      ...REPLICAS_GONE,
      "azure-uptime": "unknown",
      "azure-health": "unknown",
    } as const;
    expect(actionOf(afterAMinute({ ...dark, "azure-cross": "unknown" }))).toBe("hold");
  });

  test("that three heals did not help is a person's", () => {
    const activity = healsOf(AZURE, NOW - 1_000, NOW - 2_000, NOW - 3_000);
    const { action } = afterAMinute(REPLICAS_GONE, { activity });
    expect(action.kind).toBe("page");
    expect(action.because).toContain("3 of 3 heals");
  });

  test("is not healed again before the last heal could show", () => {
    const activity = healsOf(AZURE, NOW + 58_000);
    expect(actionOf(afterAMinute(REPLICAS_GONE, { activity }))).toBe("hold");
  });

  test("is not healed where healing only observes", () => {
    const modes = { ...AUTO_POLICY.modes, heal: "observe" as const };
    const policy = { ...AUTO_POLICY, modes };
    expect(afterAMinute(REPLICAS_GONE, { policy }).action).toMatchObject({ kind: "blocked" });
  });
});

describe("a move right after a heal", () => {
  const { at } = decideFor(20_000, () => REGION_LOST);

  /** A heal ended this long ago, and the last questions were asked so much earlier or later. */
  function healed(
    agoMs: number,
    askedAfterMs: number,
    how: Partial<EndedHeal> = {},
    again: readonly string[] = [],
  ): Decision {
    const endedAtMs = at.nowMs - agoMs;
    const observations = at.observations.map((one) =>
      again.includes(one.signal) ? one : { ...one, atMs: endedAtMs + askedAfterMs },
    );
    const healsEnded = [{ site: AWS, atMs: endedAtMs, worked: true, ...how }];
    return decide({ ...at, observations, activity: { ...at.activity, healsEnded } });
  }

  test("that worked does not begin on what was asked before its end", () => {
    const { action } = healed(900, -100);
    expect(action.kind).toBe("hold");
    expect(action.because).toContain("A heal of aws-us-east-1 worked and ended 0.9 s ago");
  });

  test("that worked begins as soon as the same was seen again, by as many witnesses", () => {
    expect(actionOf(healed(900, -100, {}, ["aws-health"]))).toBe("hold");
    expect(actionOf(healed(900, -100, {}, ["aws-health", "aws-uptime"]))).toBe("hold");
    const all = ["aws-health", "aws-uptime", "aws-cross"];
    expect(actionOf(healed(900, -100, {}, all))).toBe("act dr");
  });

  test("needs as many points since then as at any other time, and as many witnesses", () => {
    const since = ["aws-health", "aws-uptime", "aws-cross"];
    const targetsDown = {
      ...REGION_LOST,
      "aws-health": "degraded",
      "aws-lb": "unhealthy",
      "aws-lag": "healthy",
    } as const;
    expect(after(targetsDown, SIGNALS, since)).toBe("hold");
    expect(after(targetsDown, SIGNALS, [...since, "aws-lb"])).toBe("act dr");

    const points = { degraded: 2, unhealthy: 12 };
    const heavy = SIGNALS.map((one) => (one.id === "aws-health" ? { ...one, points } : one));
    expect(after(REGION_LOST, heavy, ["aws-health"])).toBe("hold");
    expect(after(REGION_LOST, heavy, since)).toBe("act dr");
  });

  test("is not held up longer than answers last, whatever is asked seldom", () => {
    const slow = at.signals.map((one) => ({ ...one, freshnessMs: 60_000 }));
    const asked = (agoMs: number): Decision =>
      decide({
        ...at,
        signals: slow,
        observations: at.observations.map((one) => ({ ...one, atMs: at.nowMs - 10_000 })),
        activity: healsOf(AWS, at.nowMs - agoMs),
      });
    expect(actionOf(asked(3_499))).toBe("hold");
    expect(actionOf(asked(3_500))).toBe("act dr");
  });

  test("that failed, of another site, or that a clock places in the future begins at once", () => {
    expect(actionOf(healed(900, -100, { worked: false }))).toBe("act dr");
    expect(actionOf(healed(900, -100, { site: AZURE }))).toBe("act dr");
    expect(actionOf(healed(900, -100, { atMs: at.nowMs + 5_000 }))).toBe("act dr");
  });

  test("within the cloud waits in the same way", () => {
    const nine = decideFor(
      20_000,
      () => ({ ...ALL_HEALTHY, "aws-health": "unhealthy", "aws-nodes": "unhealthy" }),
      { application: WIDE_SHOP, standbys: [STANDBY, { ...STANDBY, site: AWS_WEST }] },
    ).at;
    const observations = nine.observations.map((one) => ({ ...one, atMs: nine.nowMs - 900 }));
    const asked = (endedAtMs: number): string =>
      actionOf(decide({ ...nine, observations, activity: healsOf(AWS, endedAtMs) }));
    expect(asked(nine.nowMs - 800)).toBe("hold");
    expect(asked(nine.nowMs - 1_000)).toBe("act region");
  });
});

/** What is decided 0.9 s after a heal; only `asked` have been asked since it ended. */
function after(answers: Answers, signals: readonly Signal[], asked: readonly string[]): string {
  const { at } = decideFor(20_000, () => answers, { signals });
  const observations = at.observations.map((one) =>
    asked.includes(one.signal) ? one : { ...one, atMs: at.nowMs - 1_000 },
  );
  return actionOf(decide({ ...at, observations, activity: healsOf(AWS, at.nowMs - 900) }));
}

/** A heal ended this long after `NOW`. */
function healedAt(elapsedMs: number): Partial<Situation> {
  return { activity: healsOf(AWS, NOW + elapsedMs) };
}

/** The answers about one site. */
function pick(answers: Answers, site: string): Answers {
  const ids = SIGNALS.filter((one) => one.site === site).map(({ id }) => id);
  return Object.fromEntries(Object.entries(answers).filter(([id]) => ids.includes(id)));
}

import { describe, expect, test } from "vitest";
import { DEFAULT_POLICY, decide } from "../src/index.ts";
import type { Decision, Signal, Situation } from "../src/index.ts";
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
  VANTAGES,
  WIDE_SHOP,
  decideFor,
  observe,
  signal,
  situation,
} from "./shop.ts";

const DB_CRASH: Answers = { ...ALL_HEALTHY, "aws-health": "unhealthy" };

describe("truth table", () => {
  test.each<[string, Answers, Decision["verdict"], string]>([
    ["nothing is wrong", ALL_HEALTHY, "none", "hold"],
    ["the database is slow", { ...ALL_HEALTHY, "aws-health": "degraded" }, "none", "hold"],
    ["a pod crashed", POD_CRASH, "heal", "act heal"],
    ["the database crashed", DB_CRASH, "heal", "act heal"],
    ["the region is lost", REGION_LOST, "dr", "act dr"],
    ["replication stands still", { ...ALL_HEALTHY, "aws-lag": "unhealthy" }, "none", "hold"],
    ["nothing was ever answered", {}, "unknown", "hold"],
    ["the standby is lost", { ...ALL_HEALTHY, ...allOf(AZURE, "unhealthy") }, "none", "hold"],
  ])("when %s", (_, answers, verdict, action) => {
    const decision = afterAMinute(answers);
    expect([decision.verdict, actionOf(decision)]).toEqual([verdict, action]);
  });

  test.each(SIGNALS.filter((one) => one.site === AWS).map((one) => one.id))(
    "a single signal (%s) never moves the application, however bad",
    (id) => {
      const { decisions } = decideFor(60_000, () => ({ ...ALL_HEALTHY, [id]: "unhealthy" }));
      for (const decision of decisions) expect(["none", "heal"]).toContain(decision.verdict);
    },
  );

  test("six unknown signals and one healthy one lead to no action", () => {
    const signals = ["a", "b", "c", "d", "e", "f", "g"].map((id) => signal(id, { kind: "alarm" }));
    const unknown = {
      a: "unknown",
      b: "unknown",
      c: "unknown",
      d: "unknown",
      e: "unknown",
    } as const;
    const answers: Answers = { ...unknown, f: "unknown", g: "healthy" };
    const decision = decideFor(60_000, () => answers, { signals }).last;
    expect(decision).toMatchObject({ verdict: "unknown", action: { kind: "hold" } });
    expect(decision.score.points).toBe(0);
  });

  test("answers that went stale lead to no action", () => {
    const observations = observe(REGION_LOST, NOW - 4_000);
    const { last } = decideFor(3_000, () => ({}), { observations });
    expect(last).toMatchObject({ verdict: "unknown", action: { kind: "hold" } });
  });

  test("many red signals through one failure domain are one witness: no move, only a heal", () => {
    const signals = ["a", "b", "c"].map((id) => signal(id, { kind: "alarm" }));
    const red: Answers = { a: "unhealthy", b: "unhealthy", c: "unhealthy" };
    const { last } = decideFor(60_000, () => red, { signals });
    expect(last.verdict).toBe("dr");
    expect(last.evidence.failureDomains).toEqual(["control"]);
    expect(actionOf(last)).toBe("act heal");
    expect(last.guards.filter((one) => one.guard === "evidence").map((one) => one.outcome)).toEqual(
      ["block", "pass"],
    );
  });

  test("signals that flap faster than the hold lead to no action", () => {
    const { decisions } = decideFor(120_000, (ms) =>
      ms % 3_000 < 2_500 ? REGION_LOST : ALL_HEALTHY,
    );
    expect(new Set(decisions.map(actionOf))).toEqual(new Set(["hold"]));
    expect(new Set(decisions.map((one) => one.verdict))).toEqual(new Set(["none"]));
  });

  test("blind vantages lead to no action", () => {
    for (let elapsedMs = 0; elapsedMs < 60_000; elapsedMs += 5_000) {
      const nowMs = NOW + elapsedMs;
      const decision = decide(
        situation({
          nowMs,
          observations: observe(REGION_LOST, nowMs),
          sights: VANTAGES.map(({ id }) => ({ vantage: id, atMs: nowMs, sees: false })),
        }),
      );
      expect(decision).toMatchObject({ verdict: "unknown", action: { kind: "hold" } });
    }
  });
});

describe("a lost region", () => {
  test("is healed after 3 s and moved after 15 s, not earlier", () => {
    const { decisions } = decideFor(15_000, () => REGION_LOST);
    const first = (action: string): number =>
      decisions.findIndex((one) => actionOf(one) === action);
    expect(first("act heal") * 500).toBe(3_000);
    expect(first("act dr") * 500).toBe(15_000);
  });

  test("is neither healed nor called a lost region when the move across clouds is about to count", () => {
    const holdMs = { heal: 2_000, region: 2_000, dr: 2_000 };
    const { "aws-uptime": _late, ...withoutUptime } = REGION_LOST;
    const answers = (atMs: number): Answers =>
      atMs < 500 ? DB_CRASH : atMs < 1_000 ? { ...ALL_HEALTHY, ...withoutUptime } : REGION_LOST;
    const { decisions } = decideFor(6_000, answers, { policy: { ...AUTO_POLICY, holdMs } });
    const actions = new Set(decisions.map((one) => actionOf(one)));
    expect([...actions]).toEqual(["hold", "act dr"]);
    expect(decisions.map((one) => one.action.because)).toContainEqual(
      expect.stringMatching(
        /level dr counts if it holds for another .*, so nothing smaller is started/,
      ),
    );
  });

  test("goes to the other cloud, seen from there and from outside", () => {
    const { last } = decideFor(15_000, () => REGION_LOST);
    expect(last.action).toMatchObject({ kind: "act", plan: "dr", target: AZURE, approvers: 0 });
    expect(last.evidence).toEqual({
      failureDomains: ["azure", "control", "internet"],
      seenFromTarget: true,
      seenFromOutside: true,
    });
  });

  test("waits for one person under the default policy", () => {
    const decision = afterAMinute(REGION_LOST, { policy: DEFAULT_POLICY });
    expect(decision.action).toMatchObject({ kind: "act", plan: "dr", approvers: 1 });
  });

  test("waits for as many people as a risk wants if the fence is weak", () => {
    const policy = { ...AUTO_POLICY, approversForRisk: 2 };
    const standbys = [{ ...STANDBY, fenceObtainable: "unproven" as const }];
    expect(afterAMinute(REGION_LOST, { policy, standbys }).action).toMatchObject({
      kind: "act",
      approvers: 2,
    });
  });

  test("is only told while its level observes", () => {
    const modes = { ...AUTO_POLICY.modes, dr: "observe" as const };
    const decision = afterAMinute(REGION_LOST, { policy: { ...AUTO_POLICY, modes } });
    expect(decision.action).toMatchObject({ kind: "blocked", plan: "dr" });
  });

  test("is not moved twice: a run under way is left alone", () => {
    const activity = {
      ...situation().activity,
      running: { id: "r-1", kind: "dr", to: AZURE } as const,
    };
    const decision = afterAMinute(REGION_LOST, { activity });
    expect(decision.action).toMatchObject({ kind: "hold" });
    expect(decision.action.because).toContain("Run r-1 (DR failover) is under way");
  });

  test("is moved although a heal is still running", () => {
    const running = { id: "h-1", kind: "heal", to: AWS } as const;
    const activity = { ...situation().activity, running };
    expect(actionOf(afterAMinute(REGION_LOST, { activity }))).toBe("act dr");
  });

  test("is not moved to a standby that is dead, and every blocker is shown at once", () => {
    const standbys = [
      { ...STANDBY, entry: "unhealthy" as const, schemaDifferences: ["no table a"] },
    ];
    const decision = afterAMinute(REGION_LOST, { standbys });
    expect(actionOf(decision)).toBe("blocked dr");
    const blocked = decision.guards.filter((one) => one.outcome === "block");
    expect(blocked.map((one) => one.guard)).toEqual(["target-ready", "schema-parity"]);
  });

  test("a site that served while replication stood still is not left: the loss would be too large", () => {
    // For 20 s heartbeats are written and not applied; then the region goes.
    const { last } = decideFor(60_000, (ms) =>
      ms <= 20_000 ? { ...ALL_HEALTHY, "aws-lag": "unhealthy" } : REGION_LOST,
    );
    expect(last.action).toMatchObject({ kind: "blocked", plan: "dr" });
    expect(last.action.because).toContain("Loss would be at most 20.4 s, objective 5 s");
  });
});

test("a good answer is remembered after bad ones followed: users may have written until then", () => {
  // The controller is cut off at once; others reach the site for 20 s more, then it is gone.
  const cutOff: Answers = { ...ALL_HEALTHY, "aws-health": "unhealthy", "aws-lag": "unknown" };
  const { last } = decideFor(60_000, (ms) =>
    ms === 0 ? ALL_HEALTHY : ms <= 20_000 ? cutOff : REGION_LOST,
  );
  expect(last.lastAlive).toEqual({ site: AWS, atMs: NOW + 20_000 });
  expect(last.action.because).toContain("Loss would be at most 20.4 s, objective 5 s");
});

test("a green status page is no sign of life", () => {
  const signals = [...SIGNALS, signal("page", { kind: "provider-status" })];
  const { last } = decideFor(60_000, () => ({ ...REGION_LOST, page: "healthy" }), { signals });
  expect(actionOf(last)).toBe("act dr");
});

describe("region level", () => {
  const NINE: Answers = { ...ALL_HEALTHY, "aws-health": "unhealthy", "aws-nodes": "unhealthy" };

  test("without a second region it is blocked and says what to do", () => {
    const decision = afterAMinute(NINE);
    expect(decision.verdict).toBe("region");
    expect(decision.action).toMatchObject({ kind: "blocked", plan: "region" });
    expect(decision.action.because).toContain("it takes another region of aws");
    expect(decision.action.because).toContain("cloudphoenix failover --kind dr");
  });

  test("with a second region it goes there and not to the other cloud", () => {
    const decision = afterAMinute(NINE, {
      application: WIDE_SHOP,
      standbys: [STANDBY, { ...STANDBY, site: AWS_WEST }],
    });
    expect(decision.action).toMatchObject({ kind: "act", plan: "region", target: AWS_WEST });
  });

  test("a target that is not ready is passed over for the next one", () => {
    const third = { id: "aws-eu-west-1", cloud: "aws", region: "eu-west-1" };
    const decision = afterAMinute(NINE, {
      application: { ...WIDE_SHOP, sites: [...WIDE_SHOP.sites, third] },
      standbys: [
        { ...STANDBY, site: AWS_WEST, entry: "unknown" },
        { ...STANDBY, site: third.id },
      ],
    });
    expect(decision.action).toMatchObject({ kind: "act", target: third.id });
  });
});

describe("a move across clouds that only its target holds up", () => {
  const WEST = { ...STANDBY, site: AWS_WEST };
  const SICK = { ...STANDBY, entry: "unhealthy" } as const;
  const lost = (change: Partial<Situation>): Decision =>
    afterAMinute(REGION_LOST, { application: WIDE_SHOP, standbys: [SICK, WEST], ...change });
  const mode = (region: "approve" | "observe"): Decision =>
    lost({ policy: { ...AUTO_POLICY, modes: { ...AUTO_POLICY.modes, region } } });

  test("gives way to one within the cloud, which says why", () => {
    const { action, guards } = lost({});
    expect(action).toMatchObject({ kind: "act", plan: "region", target: AWS_WEST, approvers: 0 });
    expect(action.because).toContain("held level dr");
    expect(action.because).toContain("No other cloud can take over: azure-westeurope is not ready");
    expect(action.because).toContain("aws-us-west-2 can");
    const ready = guards.filter(({ guard }) => guard === "target-ready");
    expect(ready.map(({ outcome }) => outcome)).toEqual(["block", "pass"]);
  });

  test("gives way also where the application has no site in another cloud", () => {
    const sites = WIDE_SHOP.sites.filter((site) => site.cloud === "aws");
    const decision = lost({ application: { ...WIDE_SHOP, sites }, standbys: [WEST] });
    expect(decision.action).toMatchObject({ kind: "act", plan: "region", target: AWS_WEST });
  });

  test("does not give way to a site that is not ready itself, as when the whole cloud is gone", () => {
    const decision = lost({ standbys: [SICK, { ...WEST, entry: "unhealthy" }] });
    expect(actionOf(decision)).toBe("blocked dr");
    expect(decision.action.because).toContain("azure-westeurope is not ready");
  });

  test("keeps to what region moves may do by themselves", () => {
    expect(mode("approve").action).toMatchObject({ kind: "act", plan: "region", approvers: 1 });
    expect(actionOf(mode("observe"))).toBe("blocked dr");
  });

  test("waits for the longer hold of a region move where one is configured", () => {
    const policy = { ...AUTO_POLICY, holdMs: { heal: 3_000, region: 70_000, dr: 15_000 } };
    expect(actionOf(lost({ policy }))).toBe("blocked dr");
  });

  test.each<[string, Partial<Situation>]>([
    [
      "a freeze",
      { policy: { ...AUTO_POLICY, freezes: [{ fromMs: 0, untilMs: 2 * NOW, reason: "sale" }] } },
    ],
    ["maintenance", { activity: { ...situation().activity, maintenance: "upgrade, by ada" } }],
    ["its mode", { policy: { ...AUTO_POLICY, modes: { ...AUTO_POLICY.modes, dr: "observe" } } }],
  ])("stays blocked if %s holds it up, too", (_, change) => {
    expect(actionOf(lost(change))).toBe("blocked dr");
  });

  test("is preferred as soon as its own target is ready", () => {
    expect(lost({ standbys: [STANDBY, WEST] }).action).toMatchObject({ plan: "dr", target: AZURE });
  });
});

/** What is asked of the shop, its health that seldom. */
function slowHealth(intervalMs: number): readonly Signal[] {
  return SIGNALS.map((one) => (one.id === "aws-health" ? { ...one, intervalMs } : one));
}

describe("the dark", () => {
  test("pages if the site was already bad when it was last known", () => {
    const { last } = decideFor(20_000, (ms) => (ms <= 10_000 ? POD_CRASH : {}));
    expect(last).toMatchObject({ verdict: "unknown", action: { kind: "page" } });
    expect(last.levels[AWS]?.level).toBe("heal");
  });

  test("pages if what little is known is bad", () => {
    const { last } = decideFor(20_000, () => ({ "aws-health": "unhealthy" }));
    expect(last).toMatchObject({ verdict: "unknown", action: { kind: "page" } });
  });

  describe("of a controller that has just begun to watch", () => {
    const RED: Answers = { "aws-lb": "unhealthy", "aws-nodes": "unhealthy" };
    const after = (watchedMs: number, change: Partial<Situation> = {}): Decision["action"] =>
      decide(
        situation({
          observations: observe(RED, NOW),
          watchedSince: { site: AWS, atMs: NOW - watchedMs },
          ...change,
        }),
      ).action;

    test("calls nobody before every probe has had an interval and a timeout, and says why", () => {
      expect(after(0)).toMatchObject({ kind: "hold" });
      expect(after(1_499)).toEqual({
        kind: "hold",
        because:
          "32 % of the score of aws-us-east-1 is known, 50 % is needed to decide; what is known scores 7. Not every probe has answered yet: this controller began to watch 1.5 s ago, a person is called after 1.5 s.",
      });
    });

    test("calls people as soon as that time is over", () => {
      expect(after(1_500)).toMatchObject({ kind: "page" });
    });

    test("waits as long for a site whose level counted by what little was known", () => {
      const heldSinceMs = { heal: NOW, region: null, dr: null };
      const state = { level: "heal", sinceMs: NOW, heldSinceMs, clearingSinceMs: null } as const;
      const levels = { [AWS]: state };
      expect(after(1_499, { levels })).toMatchObject({ kind: "hold" });
      expect(after(1_500, { levels })).toMatchObject({ kind: "page" });
    });

    test("waits for the slowest probe that has not answered, but never more than ten seconds", () => {
      expect(after(4_499, { signals: slowHealth(4_000) })).toMatchObject({ kind: "hold" });
      expect(after(4_500, { signals: slowHealth(4_000) })).toMatchObject({ kind: "page" });
      expect(after(9_999, { signals: slowHealth(60_000) })).toMatchObject({ kind: "hold" });
      expect(after(10_000, { signals: slowHealth(60_000) })).toMatchObject({ kind: "page" });
    });

    test("waits for no signal without points and for none of another site", () => {
      const status = signal("aws-status", { kind: "provider-status", intervalMs: 8_000 });
      const other = signal("azure-nodes", { kind: "node-groups", site: AZURE, intervalMs: 8_000 });
      expect(after(1_500, { signals: [...SIGNALS, status, other] })).toMatchObject({
        kind: "page",
      });
    });

    test("waits for every vantage of a signal", () => {
      const twice = SIGNALS.map((one) =>
        one.id === "aws-health" ? { ...one, vantages: ["control", "internet"] } : one,
      );
      const heard = observe({ ...allOf(AWS, "unknown"), ...RED }, NOW);
      expect(after(0, { signals: twice, observations: heard })).toMatchObject({ kind: "hold" });
    });

    test("calls people at once if every probe has answered and could not tell", () => {
      const unknown = { ...allOf(AWS, "unknown"), ...RED };
      expect(after(0, { observations: observe(unknown, NOW) })).toMatchObject({ kind: "page" });
    });

    test.each([
      ["nobody knows since when it watches", null],
      ["it watched another site as the active one", { site: AZURE, atMs: NOW }],
      ["its clock was set back", { site: AWS, atMs: NOW + 1 }],
    ])("calls people at once if %s", (_, watchedSince) => {
      expect(after(0, { watchedSince })).toMatchObject({ kind: "page" });
    });
  });
});

test("an active site that is none of the application's is a defect, said by name", () => {
  const roles = { generation: 7, active: "elsewhere", claimedBy: null, protected: true };
  expect(() => decide(situation({ roles }))).toThrow("application shop has no site elsewhere");
});

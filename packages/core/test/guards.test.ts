import { describe, expect, test } from "vitest";
import { judgeRequest } from "../src/index.ts";
import type {
  GuardName,
  GuardResult,
  ObjectCopyFacts,
  Situation,
  StandbyFacts,
} from "../src/index.ts";
import type { ActingLevel } from "../src/level.ts";
import { judge } from "../src/judge.ts";
import { surveyOf } from "../src/survey.ts";
import {
  ALL_HEALTHY,
  type Answers,
  AUTO_POLICY,
  AWS,
  AZURE,
  NOW,
  REGION_LOST,
  SHOP,
  SIGNALS,
  STANDBY,
  VANTAGES,
  observe,
  signal,
  situation,
} from "./shop.ts";

/** What one guard says of an automatic action at `level`; the region is lost unless told otherwise. */
function asked(
  guard: GuardName,
  change: Partial<Situation> = {},
  level: ActingLevel = "dr",
): GuardResult {
  const given = situation({ observations: observe(REGION_LOST, NOW), ...change });
  const { guards } = judge(surveyOf(given), { plan: level, cause: { kind: "level", level } });
  return guards.find((result) => result.guard === guard) ?? missing(guard);
}

function standby(change: Partial<StandbyFacts>): Partial<Situation> {
  return { standbys: [{ ...STANDBY, ...change }] };
}

function replication(change: Partial<StandbyFacts["replication"]>): Partial<Situation> {
  return standby({ replication: { ...STANDBY.replication, ...change } });
}

function activity(change: Partial<Situation["activity"]>): Partial<Situation> {
  return { activity: { ...situation().activity, ...change } };
}

function healsAt(site: string, ...atMs: readonly number[]): Partial<Situation["activity"]> {
  return { healsEnded: atMs.map((at) => ({ site, atMs: at })) };
}

function policy(change: Partial<Situation["policy"]>): Partial<Situation> {
  return { policy: { ...AUTO_POLICY, ...change } };
}

/** What a controller has that was started after the disaster. */
const NEVER_SEEN: Partial<Situation> = {
  ...replication({ writtenAtMs: null }),
  observations: observe({ ...REGION_LOST }, NOW),
};

/** A standby one of whose two replicas and one of whose nodes is gone; its entry answers. */
const AZURE_DAMAGED = {
  "azure-health": "healthy",
  "azure-balancer": "degraded",
  "azure-nodes": "degraded",
} as const;
const AZURE_BALANCER = signal("azure-balancer", { kind: "load-balancer", site: AZURE });
const AZURE_NODES = signal("azure-nodes", { kind: "node-groups", site: AZURE });

/** The region is lost, but these signals are healthy. */
function except(...ids: readonly string[]): Partial<Situation> {
  const healthy = Object.fromEntries(ids.map((id) => [id, "healthy" as const]));
  return { observations: observe({ ...REGION_LOST, ...healthy }, NOW) };
}

function all(status: "unhealthy" | "healthy"): Answers {
  return Object.fromEntries(SIGNALS.map((one) => [one.id, status]));
}

function missing(guard: GuardName): never {
  throw new Error(`${guard} was not asked`);
}

test("a lost region passes every guard when the standby is ready", () => {
  const given = situation({ observations: observe(REGION_LOST, NOW) });
  const { guards } = judge(surveyOf(given), { plan: "dr", cause: { kind: "level", level: "dr" } });
  expect(guards.map((one) => one.guard)).toEqual([
    "target-exists",
    "evidence",
    "monitors-sane",
    "mode",
    "maintenance",
    "target-ready",
    "data-fresh",
    "fence-obtainable",
    "schema-parity",
    "freeze-window",
    "cooldown",
    "one-run",
  ]);
  expect(guards.filter((one) => one.outcome !== "pass")).toEqual([]);
});

test("healing asks nothing about standbys, and counts heals", () => {
  const { guards } = judge(surveyOf(situation({ standbys: [] })), {
    plan: "heal",
    cause: { kind: "level", level: "heal" },
  });
  expect(guards.map((one) => one.guard)).toEqual([
    "target-exists",
    "evidence",
    "monitors-sane",
    "mode",
    "maintenance",
    "one-run",
    "heals-left",
  ]);
});

describe("target-exists", () => {
  test("blocks dr without another cloud and says what to do instead", () => {
    const application = { ...SHOP, sites: SHOP.sites.slice(0, 1) };
    expect(asked("target-exists", { application })).toEqual({
      guard: "target-exists",
      outcome: "block",
      sentence:
        "shop has no target for DR failover: it takes a site outside aws, its sites are aws-us-east-1. Add such a site, or move within the cloud by hand: cloudphoenix failover --kind region.",
    });
  });
});

describe("target-ready", () => {
  test.each<[string, Partial<Situation>, string]>([
    ["nothing is known about it", { standbys: [] }, "Nothing is known yet about azure-westeurope"],
    [
      "its entry is unhealthy",
      standby({ entry: "unhealthy", entryDetail: "connection refused" }),
      "its entry is unhealthy (connection refused)",
    ],
    ["its entry is unknown", standby({ entry: "unknown" }), "its entry is unknown"],
    ["its entry is degraded", standby({ entry: "degraded" }), "its entry is degraded"],
    [
      "replication is broken",
      replication({ state: "broken", detail: "slot is gone" }),
      "replication is broken (slot is gone)",
    ],
    ["it never showed a heartbeat", replication({ appliedAtMs: null }), "never shown a heartbeat"],
    ["it never answered", replication({ readAtMs: null }), "never shown a heartbeat"],
    [
      "its database fell silent",
      replication({ readAtMs: NOW - 30_001 }),
      "its database last answered 30.0 s ago, limit 30 s",
    ],
    [
      "it was not following before the fault",
      replication({ appliedAtMs: NOW - 42_000 }),
      "its newest heartbeat is 42.0 s older than the last sign of life of aws-us-east-1, limit 30 s",
    ],
    [
      "it needs healing itself",
      { observations: observe({ ...REGION_LOST, "azure-health": "unhealthy" }, NOW) },
      "it scores 5 itself, ready is below 4 (azure-health unhealthy)",
    ],
  ])("blocks if %s", (_, change, words) => {
    const result = asked("target-ready", change);
    expect(result.outcome).toBe("block");
    expect(result.sentence).toContain(words);
  });

  test("asks a person about a standby that serves with a replica and a node missing", () => {
    const signals = [...SIGNALS, AZURE_BALANCER, AZURE_NODES];
    const answers = { ...REGION_LOST, ...AZURE_DAMAGED } as const;
    const result = asked("target-ready", { signals, observations: observe(answers, NOW, signals) });
    expect(result).toEqual({
      guard: "target-ready",
      outcome: "approve",
      sentence:
        "azure-westeurope serves but is not whole: it scores 5 itself, ready is below 4 (azure-balancer degraded, azure-nodes degraded); 1 person must agree.",
    });
  });

  test("blocks one that is not whole and stale, too", () => {
    const signals = [...SIGNALS, AZURE_BALANCER, AZURE_NODES];
    const answers = { ...REGION_LOST, ...AZURE_DAMAGED } as const;
    const stale = replication({ appliedAtMs: NOW - 42_000 });
    const observations = observe(answers, NOW, signals);
    const result = asked("target-ready", { signals, observations, ...stale });
    expect(result.outcome).toBe("block");
    expect(result.sentence).toContain("it scores 5 itself");
    expect(result.sentence).toContain("its newest heartbeat is 42.0 s older");
  });

  test("passes a standby whose active site was never seen: the loss is for data-fresh to judge", () => {
    const result = asked("target-ready", NEVER_SEEN);
    expect(result.outcome).toBe("pass");
    expect(result.sentence).toContain("has not been seen alive since this start");
  });

  test("passes a standby that stopped only because the active site did", () => {
    const lastSeen = NOW - 3_600_000;
    const change = replication({ writtenAtMs: lastSeen, appliedAtMs: lastSeen - 400 });
    expect(asked("target-ready", change).outcome).toBe("pass");
  });

  test("leaves the standby's lag to data-fresh, which judges it in time", () => {
    const lag = signal("azure-lag", { kind: "replication-lag", site: AZURE });
    const answers = {
      ...REGION_LOST,
      "azure-lag": "unhealthy",
      "azure-health": "degraded",
    } as const;
    const signals = [...SIGNALS, lag];
    const observations = observe(answers, NOW, signals);
    expect(asked("target-ready", { signals, observations }).outcome).toBe("pass");
  });

  test("binds a person too", () => {
    const given = situation(standby({ entry: "unhealthy" }));
    const { blocked } = judgeRequest(given, { kind: "dr", acceptLoss: true });
    expect(blocked.map((one) => one.guard)).toEqual(["target-ready"]);
  });
});

describe("data-fresh", () => {
  test("passes a loss within the objective, with the numbers", () => {
    expect(asked("data-fresh")).toMatchObject({
      outcome: "pass",
      sentence: "Loss would be at most 0.4 s, objective 5 s.",
    });
  });

  test("passes exactly at the objective and blocks a millisecond beyond", () => {
    expect(asked("data-fresh", replication({ appliedAtMs: NOW - 5_000 })).outcome).toBe("pass");
    expect(asked("data-fresh", replication({ appliedAtMs: NOW - 5_001 })).outcome).toBe("block");
  });

  test("blocks a loss that is not known", () => {
    const result = asked("data-fresh", replication({ appliedAtMs: null }));
    expect(result).toMatchObject({ outcome: "block" });
    expect(result.sentence).toContain("The loss is unknown");
  });

  test("counts up to its own start where this controller never saw a sign of life", () => {
    const watched = (agoMs: number): Partial<Situation> => ({
      ...NEVER_SEEN,
      watchedSince: { site: "aws-us-east-1", atMs: NOW - agoMs },
    });
    const since = (agoMs: number): GuardResult =>
      asked("data-fresh", {
        ...watched(agoMs),
        ...replication({ writtenAtMs: null, appliedAtMs: NOW - 10_000 }),
      });
    expect(since(6_000)).toMatchObject({ outcome: "pass" });
    expect(since(6_000).sentence).toContain("at most 4.0 s");
    expect(since(1_000)).toMatchObject({ outcome: "block" });
    expect(asked("data-fresh", NEVER_SEEN).sentence).toContain("The loss is unknown");
    const other = { watchedSince: { site: "azure-westeurope", atMs: NOW } };
    expect(asked("data-fresh", { ...NEVER_SEEN, ...other }).sentence).toContain("unknown");
  });

  test("counts a standby that is ahead of the last sign of life as no loss", () => {
    const change = replication({ writtenAtMs: NOW - 1_000, appliedAtMs: NOW - 500 });
    expect(asked("data-fresh", change).sentence).toContain("at most 0.0 s");
  });

  test.each([
    ["refuses a person who did not accept the loss", false, "block"],
    ["lets a person accept the loss, and wants approval for it", true, "approve"],
  ] as const)("%s", (_, acceptLoss, outcome) => {
    const given = situation(replication({ appliedAtMs: NOW - 20_000 }));
    const { guards } = judgeRequest(given, { kind: "dr", acceptLoss });
    expect(guards.find((one) => one.guard === "data-fresh")?.outcome).toBe(outcome);
  });
});

describe("objects", () => {
  const application = { ...SHOP, objects: { rpoMs: 60_000 } };
  const copied: ObjectCopyFacts = {
    toldAtMs: NOW,
    completeUntilMs: NOW - 3_000,
    canaryMs: NOW - 2_000,
    pending: 4,
    paused: null,
  };
  const withObjects = (objects: ObjectCopyFacts | null): Partial<Situation> => ({
    application,
    standbys: [{ ...STANDBY, objects }],
  });

  test("are judged beside the rows, each by its own objective", () => {
    expect(asked("data-fresh", withObjects(copied))).toMatchObject({
      outcome: "pass",
      sentence:
        "Loss would be at most 0.4 s, objective 5 s; objects of at most 3.0 s, objective 60 s.",
    });
    expect(asked("target-ready", withObjects(copied)).outcome).toBe("pass");
  });

  test("that are behind their objective stop what acts by itself, and say why", () => {
    const behind = {
      ...copied,
      completeUntilMs: NOW - 61_000,
      paused: "its store refuses the keys",
    };
    const result = asked("data-fresh", withObjects(behind));
    expect(result).toMatchObject({
      outcome: "block",
      sentence:
        "objects of at most 61.0 s, objective 60 s: their copy was behind when aws-us-east-1 was last alive (its store refuses the keys); only a person may accept it.",
    });
  });

  test("whose copy nobody tells of are an unknown loss", () => {
    expect(asked("data-fresh", withObjects(null))).toMatchObject({ outcome: "block" });
    expect(asked("data-fresh", withObjects(null)).sentence).toContain("unknown, objective 60 s");
  });

  test("whose store never showed a canary make the target not whole: a person must agree", () => {
    expect(asked("target-ready", withObjects({ ...copied, canaryMs: null }))).toEqual({
      guard: "target-ready",
      outcome: "approve",
      sentence:
        "azure-westeurope serves but is not whole: no canary object was ever seen in its store; 1 person must agree.",
    });
  });

  test("are nobody's business where the application has none", () => {
    expect(asked("target-ready", { standbys: [{ ...STANDBY, objects: null }] }).outcome).toBe(
      "pass",
    );
  });
});

describe("evidence", () => {
  test("wants three failure domains for dr", () => {
    expect(asked("evidence").sentence).toBe(
      "3 failure domains agree (azure, control, internet), DR failover needs 3.",
    );
    const result = asked("evidence", except("aws-uptime"));
    expect(result).toMatchObject({ outcome: "block" });
    expect(result.sentence).toContain("missing: 1 more");
  });

  test("wants one of them in the target's cloud", () => {
    const result = asked("evidence", except("aws-cross"));
    expect(result.sentence).toContain("one in the target's cloud (azure)");
  });

  test("wants one of them outside every site", () => {
    const vantages = VANTAGES.map((one) => ({ ...one, cloud: one.cloud ?? "gcp" }));
    const result = asked("evidence", { vantages });
    expect(result).toMatchObject({ outcome: "block" });
    expect(result.sentence).toContain("one outside every site");
  });

  test("is content with one failure domain for a heal", () => {
    expect(asked("evidence", except("aws-uptime", "aws-cross"), "heal").outcome).toBe("pass");
  });
});

describe("fence-obtainable", () => {
  test.each([
    ["unproven", "approve"],
    ["network", "pass"],
    ["lease-expired", "pass"],
    ["confirmed", "pass"],
  ] as const)("a fence of degree %s leads to %s", (fenceObtainable, outcome) => {
    expect(asked("fence-obtainable", standby({ fenceObtainable })).outcome).toBe(outcome);
  });
});

describe("cooldown", () => {
  test("blocks until the hour is over and tells how long that is", () => {
    const early = asked("cooldown", activity({ lastMoveEndedAtMs: NOW - 3_000_000 }));
    expect(early.outcome).toBe("block");
    expect(early.sentence).toContain("cooldown 60 min: 10.0 min left");
    const late = asked("cooldown", activity({ lastMoveEndedAtMs: NOW - 3_600_000 }));
    expect(late.outcome).toBe("pass");
  });
});

describe("freeze-window", () => {
  const freezes = [{ fromMs: NOW, untilMs: NOW + 60_000, reason: "black friday" }];

  test("blocks from its first to before its last instant", () => {
    expect(asked("freeze-window", policy({ freezes })).sentence).toBe(
      "Moves are frozen for another 60.0 s (black friday).",
    );
    const over = [{ ...freezes[0]!, untilMs: NOW, fromMs: NOW - 1 }];
    expect(asked("freeze-window", policy({ freezes: over })).outcome).toBe("pass");
  });

  test("makes a person's request wait for another person", () => {
    const { approvers, blocked } = judgeRequest(situation(policy({ freezes })), {
      kind: "switchover",
      acceptLoss: false,
    });
    expect({ approvers, blocked }).toEqual({ approvers: 1, blocked: [] });
  });
});

describe("one-run", () => {
  test.each([
    ["heal", "dr", "pass"],
    ["heal", "heal", "block"],
    ["dr", "dr", "block"],
    ["switchover", "heal", "block"],
  ] as const)("a running %s and a wanted %s: %s", (kind, level, outcome) => {
    const running = { id: "r-1", kind, to: kind === "heal" ? AWS : AZURE };
    expect(asked("one-run", activity({ running }), level).outcome).toBe(outcome);
  });
});

describe("a heal of a standby", () => {
  const running = { id: "h-1", kind: "heal", to: AZURE } as const;

  test("makes room for a heal of the active site", () => {
    const result = asked("one-run", activity({ running }), "heal");
    expect(result).toMatchObject({ outcome: "pass" });
    expect(result.sentence).toContain("supersedes");
  });

  test("is asked for by naming it; without a name the active site is meant", () => {
    const heal = { kind: "heal", acceptLoss: false } as const;
    expect(judgeRequest(situation(), heal).target).toBe(AWS);
    expect(judgeRequest(situation(), { ...heal, target: AZURE })).toMatchObject({
      target: AZURE,
      blocked: [],
    });
  });
});

describe("mode", () => {
  test.each([
    ["auto", "pass"],
    ["approve", "approve"],
    ["observe", "block"],
  ] as const)("%s means %s", (mode, outcome) => {
    const modes = { ...AUTO_POLICY.modes, dr: mode };
    expect(asked("mode", policy({ modes })).outcome).toBe(outcome);
  });
});

describe("monitors-sane", () => {
  test("blocks if every answered signal of every site is unhealthy at once", () => {
    const result = asked("monitors-sane", { observations: observe(all("unhealthy"), NOW) });
    expect(result.outcome).toBe("block");
    expect(result.sentence).toContain("All 10 answered signals");
  });

  test("passes as soon as one signal of one site is not", () => {
    const answers = { ...all("unhealthy"), "azure-lb": "healthy" as const };
    expect(asked("monitors-sane", { observations: observe(answers, NOW) }).outcome).toBe("pass");
  });

  test("blocks if every vantage that has canaries is blind", () => {
    const sights = [{ vantage: "control", atMs: NOW, sees: false }];
    expect(asked("monitors-sane", { sights }).outcome).toBe("block");
  });
});

describe("schema-parity", () => {
  test.each<[readonly string[] | null, string, string]>([
    [[], "pass", "0 differences"],
    [null, "approve", "could not be compared"],
    [
      ["no table a", "b differs", "c", "d", "e"],
      "block",
      "5 differences: no table a; b differs; c; and 2 more",
    ],
  ])("differences %j: %s", (schemaDifferences, outcome, words) => {
    const result = asked("schema-parity", standby({ schemaDifferences }));
    expect(result.outcome).toBe(outcome);
    expect(result.sentence).toContain(words);
  });
});

describe("maintenance", () => {
  test("blocks with the person's words", () => {
    const result = asked("maintenance", activity({ maintenance: "upgrade, by ada" }));
    expect(result).toMatchObject({ outcome: "block" });
    expect(result.sentence).toContain("upgrade, by ada");
  });
});

describe("heals-left", () => {
  test("counts only heals inside the window", () => {
    const old = NOW - 600_000;
    const left = asked("heals-left", activity(healsAt(AWS, old, NOW - 1, NOW - 2)), "heal");
    expect(left).toMatchObject({ outcome: "pass", sentence: "2 of 3 heals used within 10 min." });
    const used = activity(healsAt(AWS, old + 1, NOW - 1, NOW - 2));
    expect(asked("heals-left", used, "heal").outcome).toBe("block");
  });

  test("counts those of the site that would be healed", () => {
    const elsewhere = activity(healsAt(AZURE, NOW - 1, NOW - 2, NOW - 3));
    expect(asked("heals-left", elsewhere, "heal").outcome).toBe("pass");
  });
});

describe("a person's request", () => {
  const calm = situation();

  test("needs no evidence, no level, no cooldown, and ignores mode and maintenance", () => {
    const given = situation({
      ...policy({ modes: { heal: "observe", region: "observe", dr: "observe" } }),
      ...activity({ maintenance: "upgrade", lastMoveEndedAtMs: NOW - 1 }),
    });
    expect(judgeRequest(given, { kind: "dr", acceptLoss: false })).toMatchObject({
      target: AZURE,
      approvers: 0,
      blocked: [],
    });
  });

  test("an unknown loss needs acceptance and then as many people as the policy wants", () => {
    const given = situation({
      ...replication({ writtenAtMs: null }),
      ...policy({ approversForRisk: 2 }),
      observations: observe(
        Object.fromEntries(Object.keys(ALL_HEALTHY).map((id) => [id, "unknown"])),
        NOW,
      ),
    });
    const request = { kind: "dr", acceptLoss: true } as const;
    const result = judgeRequest(given, request);
    expect(result.guards.find((one) => one.guard === "data-fresh")?.outcome).toBe("approve");
    expect(result.approvers).toBe(2);
  });

  test("a switchover waits for replication, so a lag does not matter", () => {
    const given = situation(replication({ appliedAtMs: NOW - 20_000 }));
    expect(judgeRequest(given, { kind: "switchover", acceptLoss: false })).toMatchObject({
      target: AZURE,
      approvers: 0,
      blocked: [],
    });
  });

  test.each([
    ["region", undefined],
    ["dr", AWS],
    ["region", AZURE],
    ["rollback", AZURE],
    ["heal", "elsewhere"],
    ["switchover", "elsewhere"],
  ] as const)("%s to %s has no target", (kind, target) => {
    const result = judgeRequest(calm, { kind, target, acceptLoss: false });
    expect(result.target).toBeNull();
    expect(result.blocked.map((one) => one.guard)).toEqual(["target-exists"]);
  });

  test.each([
    ["heal", AWS],
    ["rollback", AWS],
    ["dr", AZURE],
    ["switchover", AZURE],
  ] as const)("%s goes to %s", (kind, target) => {
    expect(judgeRequest(calm, { kind, acceptLoss: false }).target).toBe(target);
  });

  test("waits for the run under way", () => {
    const given = situation(activity({ running: { id: "r-1", kind: "dr", to: AZURE } }));
    const { blocked } = judgeRequest(given, { kind: "switchover", acceptLoss: false });
    expect(blocked.map((one) => one.guard)).toEqual(["one-run"]);
  });
});

import { describe, expect, test } from "vitest";
import { judgeRequest } from "../src/index.ts";
import type { Situation } from "../src/index.ts";
import { NEVER_SEEN, asked, replication, standby } from "./asked.ts";
import { AZURE, NOW, REGION_LOST, SHOP, SIGNALS, observe, signal, situation } from "./shop.ts";

// Whether the site to move to can take over.

/** A standby one of whose two replicas and one of whose nodes is gone; its entry answers. */
const AZURE_DAMAGED = {
  "azure-health": "healthy",
  "azure-balancer": "degraded",
  "azure-nodes": "degraded",
} as const;
const AZURE_BALANCER = signal("azure-balancer", { kind: "load-balancer", site: AZURE });
const AZURE_NODES = signal("azure-nodes", { kind: "node-groups", site: AZURE });

describe("target-exists", () => {
  test("blocks dr without another cloud and says what to do instead", () => {
    const application = { ...SHOP, sites: SHOP.sites.slice(0, 1) };
    expect(asked("target-exists", { application })).toEqual({
      guard: "target-exists",
      outcome: "block",
      sentence:
        'shop has no target for DR failover: it takes a site outside aws, its sites are aws-us-east-1. Add such a site, or move within the cloud by hand: cloudphoenix failover --kind region --reason "…".',
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
    [
      "its first copy has not ended",
      replication({ state: "catching-up", detail: "the initial copy of orders", copying: true }),
      "its copy is not complete (the initial copy of orders)",
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

/** The application of the tests: `shop`, active in aws, followed in azure, seen from four vantages. */

import { DEFAULT_POLICY, decide, defaultPoints } from "../src/index.ts";
import type {
  Application,
  Decision,
  Observation,
  Policy,
  Signal,
  SignalKind,
  Situation,
  StandbyFacts,
  Status,
  Vantage,
} from "../src/index.ts";

export const AWS = "aws-us-east-1";
export const AZURE = "azure-westeurope";
export const AWS_WEST = "aws-us-west-2";

/** An arbitrary instant; nothing may depend on it. */
export const NOW = 1_000_000_000;

export const SHOP: Application = {
  name: "shop",
  sites: [
    { id: AWS, cloud: "aws", region: "us-east-1" },
    { id: AZURE, cloud: "azure", region: "westeurope" },
  ],
  workloads: [{ name: "orders", replicas: 2 }],
  objectives: { rtoMs: 10_000, rpoMs: 5_000 },
};

/** `shop` with a second region of the same cloud, and a second workload. */
export const WIDE_SHOP: Application = {
  ...SHOP,
  sites: [...SHOP.sites, { id: AWS_WEST, cloud: "aws", region: "us-west-2" }],
  workloads: [...SHOP.workloads, { name: "billing", replicas: 1 }],
};

export const VANTAGES: readonly Vantage[] = [
  { id: "control", site: null, cloud: null, failureDomain: "control" },
  { id: "internet", site: null, cloud: null, failureDomain: "internet" },
  { id: "azure", site: AZURE, cloud: "azure", failureDomain: "azure" },
  { id: "aws", site: AWS, cloud: "aws", failureDomain: "aws" },
];

export function signal(id: string, change: Partial<Signal> & { kind: SignalKind }): Signal {
  return {
    id,
    site: AWS,
    vantages: ["control"],
    intervalMs: 1_000,
    timeoutMs: 500,
    freshnessMs: 3_500,
    points: defaultPoints(change.kind),
    ...change,
  };
}

/** What is asked about the active site; ids are `aws-…`, those of the standby `azure-…`. */
export const SIGNALS: readonly Signal[] = [
  signal("aws-health", { kind: "service-health" }),
  signal("aws-uptime", { kind: "external-uptime", vantages: ["internet"] }),
  signal("aws-cross", { kind: "cross-cloud", vantages: ["azure"] }),
  signal("aws-lb", { kind: "load-balancer", vantages: ["aws"] }),
  signal("aws-nodes", { kind: "node-groups", vantages: ["aws"] }),
  signal("aws-lag", { kind: "replication-lag" }),
  signal("azure-health", { kind: "service-health", site: AZURE }),
  signal("azure-uptime", { kind: "external-uptime", site: AZURE, vantages: ["internet"] }),
  signal("azure-cross", { kind: "cross-cloud", site: AZURE, vantages: ["aws"] }),
  signal("azure-lb", { kind: "load-balancer", site: AZURE, vantages: ["azure"] }),
];

export const STANDBY: StandbyFacts = {
  site: AZURE,
  entry: "healthy",
  entryDetail: "200 in 4 ms",
  replication: {
    writtenAtMs: NOW,
    appliedAtMs: NOW - 400,
    readAtMs: NOW,
    lagBytes: 0n,
    state: "streaming",
    detail: "streaming",
  },
  objects: null,
  schemaDifferences: [],
  fenceObtainable: "network",
  fenceDetail: "the network control answers",
};

/** Everything may act by itself. */
export const AUTO_POLICY: Policy = {
  ...DEFAULT_POLICY,
  modes: { heal: "auto", region: "auto", dr: "auto" },
};

/** What signals say, by id; one without an entry is not answered at all. */
export type Answers = Readonly<Record<string, Status>>;

export const ALL_HEALTHY: Answers = Object.fromEntries(SIGNALS.map((one) => [one.id, "healthy"]));

/** The region is gone: everything that reaches for it fails, what was asked inside is silent. */
export const REGION_LOST: Answers = {
  ...ALL_HEALTHY,
  "aws-health": "unhealthy",
  "aws-uptime": "unhealthy",
  "aws-cross": "unhealthy",
  "aws-lb": "unknown",
  "aws-nodes": "unknown",
  "aws-lag": "unknown",
  "azure-cross": "unknown",
};

/** Answers as observations asked at `atMs` from every vantage of each signal. */
export function observe(
  answers: Answers,
  atMs: number,
  signals: readonly Signal[] = SIGNALS,
): Observation[] {
  return signals.flatMap((one) => {
    const status = answers[one.id];
    if (status === undefined) return [];
    return one.vantages.map((vantage) => ({
      signal: one.id,
      vantage,
      atMs,
      status,
      detail: status === "healthy" ? "200 in 4 ms" : `looks ${status}`,
      latencyMs: 4,
    }));
  });
}

/** A situation in which all is well, with changes. */
export function situation(change: Partial<Situation> = {}): Situation {
  return {
    nowMs: NOW,
    application: SHOP,
    roles: { generation: 7, active: AWS, claimedBy: null, protected: true },
    policy: AUTO_POLICY,
    signals: SIGNALS,
    vantages: VANTAGES,
    observations: observe(ALL_HEALTHY, NOW),
    sights: [],
    levels: {},
    standbys: [STANDBY],
    activity: {
      running: null,
      lastMoveEndedAtMs: null,
      healsEnded: [],
      maintenance: null,
    },
    ...change,
  };
}

/** Nothing happened but heals of a site, ended at these instants. */
export function healsOf(site: string, ...atMs: readonly number[]): Situation["activity"] {
  return {
    ...situation().activity,
    healsEnded: atMs.map((at) => ({ site, atMs: at, worked: true })),
  };
}

/**
 * Decides every 500 ms from `NOW` for `forMs` with what `answersAt` says at each instant, carrying
 * the state over as the decision loop does. Heartbeats go on as the signal `aws-lag` tells: written
 * while it is answered at all, applied at the standbys while it is not unhealthy.
 */
export function decideFor(
  forMs: number,
  answersAt: (elapsedMs: number) => Answers,
  change: Partial<Situation> = {},
): { readonly decisions: readonly Decision[]; readonly last: Decision; readonly at: Situation } {
  const decisions: Decision[] = [];
  let carried: Pick<Situation, "levels" | "lastAlive"> = { levels: change.levels ?? {} };
  let writtenAtMs = NOW;
  let appliedAtMs = NOW - 400;
  let at = situation(change);
  for (let elapsedMs = 0; elapsedMs <= forMs; elapsedMs += 500) {
    const nowMs = NOW + elapsedMs;
    const answers = answersAt(elapsedMs);
    const lag = answers["aws-lag"] ?? "unknown";
    if (lag !== "unknown") writtenAtMs = nowMs;
    if (lag === "healthy" || lag === "degraded") appliedAtMs = nowMs - 400;
    const standbys = (change.standbys ?? [STANDBY]).map((one) => ({
      ...one,
      replication: { ...one.replication, writtenAtMs, appliedAtMs, readAtMs: nowMs },
    }));
    const observations = observe(answers, nowMs, change.signals);
    at = situation({ observations, ...change, ...carried, standbys, nowMs });
    const decision = decide(at);
    decisions.push(decision);
    carried = { levels: decision.levels, lastAlive: decision.lastAlive ?? null };
  }
  return { decisions, last: decisions.at(-1)!, at };
}

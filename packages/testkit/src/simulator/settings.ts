/** How one seed's world is set up, before anything goes wrong in it. */
import {
  type Application,
  DEFAULT_POLICY,
  type DurabilityMode,
  type Policy,
  type Signal,
  type SignalKind,
  type SiteId,
  type Vantage,
  defaultPoints,
} from "@cloudphoenix/core";
import type { LeaseTerms } from "@cloudphoenix/engine";
import { chanceOf } from "./chance.ts";

export interface Settings {
  readonly seed: number;
  readonly application: Application;
  readonly policy: Policy;
  readonly signals: readonly Signal[];
  readonly vantages: readonly Vantage[];
  readonly terms: LeaseTerms;
  readonly durability: DurabilityMode;
  readonly controllers: number;
  readonly operators: OperatorTemper;
  /** Whether everything is near and quick, so that a plan takes a fraction of a second. */
  readonly quick: boolean;
  /** Transactions before the text of a log position grows by a digit. */
  readonly shortPositions: number;
}

interface OperatorTemper {
  /** True time between a question and its answer; null: nobody ever answers. */
  readonly answersAfterMs: number | null;
  /** Says the same thing again a little later. */
  readonly repeatsItself: boolean;
  /** Asks for a move by hand, accepting loss, when an outage lasts. */
  readonly losesPatience: boolean;
}

const HOME: SiteId = "aws-us-east-1";
const OTHER_CLOUD: SiteId = "azure-westeurope";
const OTHER_REGION: SiteId = "aws-us-west-2";

/** Draws the settings of a seed. */
export function settingsOf(seed: number): Settings {
  const chance = chanceOf(seed, "settings");
  const application = applicationWith(chance.hits(0.2));
  const auto = chance.hits(0.8);
  const mode = auto ? "auto" : "approve";
  const policy: Policy = {
    ...DEFAULT_POLICY,
    holdMs: {
      heal: chance.between(1_000, 2_500),
      region: chance.between(2_000, 3_500),
      dr: chance.between(2_000, 4_000),
    },
    clearMs: 3_000,
    modes: { heal: "auto", region: mode, dr: mode },
    cooldownMs: chance.hits(0.6) ? 3_600_000 : 12_000,
    fenceMin: "lease-expired",
    approversForRisk: chance.hits(0.3) ? 2 : 1,
  };
  return {
    seed,
    application,
    policy,
    signals: signalsOf(application, chance.hits(0.15)),
    vantages: vantagesOf(application),
    terms: {
      ttlMs: 3_000,
      renewMs: 750,
      marginMs: 300,
      whenWitnessLost: chance.hits(0.5) ? "availability" : "consistency",
    },
    durability: chance.hits(0.35) ? "sync" : "async",
    controllers: chance.hits(0.2) ? 3 : 2,
    quick: chance.hits(0.5),
    shortPositions: chance.between(5, 80),
    operators: {
      answersAfterMs: chance.hits(0.75) ? chance.between(300, 12_000) : null,
      repeatsItself: chance.hits(0.4),
      losesPatience: chance.hits(0.4),
    },
  };
}

function applicationWith(secondRegion: boolean): Application {
  const sites = [
    { id: HOME, cloud: "aws", region: "us-east-1" },
    { id: OTHER_CLOUD, cloud: "azure", region: "westeurope" },
    { id: OTHER_REGION, cloud: "aws", region: "us-west-2" },
  ];
  return {
    name: "shop",
    sites: secondRegion ? sites : sites.slice(0, 2),
    workloads: [{ name: "orders", replicas: 2 }],
    objectives: { rtoMs: 10_000, rpoMs: 5_000 },
  };
}

function vantagesOf({ sites }: Application): readonly Vantage[] {
  return [
    { id: "control", site: null, cloud: null, failureDomain: "control" },
    { id: "internet", site: null, cloud: null, failureDomain: "internet" },
    ...sites.map(({ id, cloud }) => ({ id, site: id, cloud, failureDomain: cloud })),
  ];
}

/**
 * The sandbox's five questions about each site; the cross-cloud one is asked in the other cloud.
 * Where one signal alone is worth a move, only evidence stands against it.
 */
function signalsOf({ sites }: Application, oneSignalIsMuch: boolean): readonly Signal[] {
  return sites.flatMap(({ id, cloud }) => {
    const across = sites.find((other) => other.cloud !== cloud)?.id ?? id;
    return [
      {
        ...signal("service-health", id, "control"),
        ...(oneSignalIsMuch ? { points: { degraded: 2, unhealthy: 12 } } : {}),
      },
      signal("external-uptime", id, "internet"),
      signal("cross-cloud", id, across),
      signal("load-balancer", id, id),
      signal("replication-lag", id, "control"),
    ];
  });
}

/** How often every question is asked, and how long an answer may take. */
export const PROBE_EVERY_MS = 1_000;
export const PROBE_TIMEOUT_MS = 500;

function signal(kind: SignalKind, site: SiteId, vantage: string): Signal {
  return {
    id: `${site}-${kind}`,
    kind,
    site,
    vantages: [vantage],
    intervalMs: PROBE_EVERY_MS,
    timeoutMs: PROBE_TIMEOUT_MS,
    freshnessMs: 3_500,
    points: defaultPoints(kind),
  };
}

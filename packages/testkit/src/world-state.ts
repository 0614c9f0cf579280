/** The simulated world as plain data: two snapshots are equal if and only if nothing changed. */
import type { SiteId } from "@cloudphoenix/core";

/** The newest heartbeat acknowledged by the active site and applied at the standby. */
export interface Heartbeats {
  writtenAtMs: number;
  appliedAtMs: number;
}

export interface SimulatedDatabase {
  running: boolean;
  role: "active" | "standby" | "fenced";
  /** What the role was before it was fenced; null while it is not. */
  roleBefore: "active" | "standby" | null;
  generation: number;
  writesOpen: boolean;
  /** Site it follows; null if it follows none. */
  follows: SiteId | null;
  /** Whether it has all of what it follows. */
  copyComplete: boolean;
  /** Site it was promoted from; null if it never was since it became a standby. */
  promotedFrom: SiteId | null;
  /** When transactions of the application were committed here; only tests that count them write any. */
  readonly commitsAtMs: number[];
}

export interface SimulatedSite {
  readonly id: SiteId;
  readonly cloud: string;
  readonly region: string;
  /** `dead`: nothing in it runs. `isolated`: it runs, but nobody outside gets in. */
  condition: "alive" | "dead" | "isolated";
  readonly database: SimulatedDatabase;
  readonly workloads: Record<string, SimulatedWorkload>;
  readonly network: { fenced: boolean; generation: number };
  /** What runs workloads and servers; the generation of its last change. */
  readonly platform: { generation: number };
}

export interface SimulatedWorkload {
  desired: number;
  ready: number;
  /** Replicas that stay down until they are replaced; none if absent. */
  crashed?: number;
  /** Replicas that no node has room for; none if absent. */
  homeless?: number;
}

export interface WorldState {
  readonly sites: Record<SiteId, SimulatedSite>;
  readonly traffic: { site: SiteId; generation: number };
  readonly replication: Heartbeats & {
    /** Whether the standby stopped applying although everything is alive. */
    stalled: boolean;
    /** As they were when a site was promoted, for every site that was. */
    readonly atPromotion: Record<SiteId, Readonly<Heartbeats>>;
  };
  /** Notices delivered, by key: receivers drop repeats. */
  readonly notices: Record<string, string>;
}

/** Site A active in one cloud, site B standing by in another, one workload with two replicas. */
export function twoSites(nowMs: number): WorldState {
  return {
    sites: {
      "aws-us-east-1": site("aws", "us-east-1", "active"),
      "azure-westeurope": site("azure", "westeurope", "standby"),
    },
    traffic: { site: "aws-us-east-1", generation: 1 },
    replication: { stalled: false, writtenAtMs: nowMs, appliedAtMs: nowMs, atPromotion: {} },
    notices: {},
  };
}

function site(cloud: string, region: string, role: "active" | "standby"): SimulatedSite {
  const active = role === "active";
  return {
    id: `${cloud}-${region}`,
    cloud,
    region,
    condition: "alive",
    database: {
      running: true,
      role,
      roleBefore: null,
      generation: 1,
      writesOpen: active,
      follows: active ? null : "aws-us-east-1",
      copyComplete: true,
      promotedFrom: null,
      commitsAtMs: [],
    },
    workloads: { orders: { desired: active ? 2 : 1, ready: active ? 2 : 1 } },
    network: { fenced: false, generation: 1 },
    platform: { generation: 1 },
  };
}

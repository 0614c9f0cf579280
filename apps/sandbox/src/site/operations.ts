/** What the world tells the process of a site. */
import type { AgentSignal } from "../faults/index.ts";
import type { Impairment } from "../links/index.ts";
import type { Instant } from "../network/operations.ts";
import type { ProgramSpec } from "../process/index.ts";

/** Everything a site needs to know of itself. */
export interface SiteSpec {
  readonly id: string;
  readonly cloud: string;
  readonly region: string;
  /** Private to the site: data directory, generation. */
  readonly directory: string;
  readonly logDirectory: string;
  /** Where started processes are recorded. */
  readonly registryDirectory: string;
  readonly ports: SitePorts;
  readonly tokenFile: string;
  /** What the application consists of; the first one is what clients cannot do without. */
  readonly workloads: readonly [WorkloadSpec, ...WorkloadSpec[]];
  readonly database: DatabaseSpec;
  /** Null: the site has no object store. */
  readonly objects: ObjectStoreSpec | null;
  readonly agent: ProgramSpec | null;
}

interface SitePorts {
  readonly provider: number;
  readonly postgres: number;
  /** Where pods reach the database: a link of its own, so that it can be slowed. */
  readonly databaseLink: number;
}

export interface WorkloadSpec extends ProgramSpec {
  readonly name: string;
  readonly replicas: number;
  /** Where its load balancer listens; null: nobody connects to it. */
  readonly balancerPort: number | null;
  /** Ports of its pods: one per replica the site has room for. */
  readonly ports: readonly number[];
  /** Availability zones; each has one node. */
  readonly zones: readonly string[];
}

export interface ObjectStoreSpec {
  /** What it speaks: S3, by the server of local-objects, or Blob, by Azurite. */
  readonly kind: "s3" | "azblob";
  readonly region: string;
  readonly port: number;
  /** Where its change events are had: by the protocol of SQS, or of Azure's Queue service. */
  readonly eventsPort: number;
  /** Name of the queue with them. */
  readonly queue: string;
  /** Access key id or account name. */
  readonly account: string;
  readonly keyFile: string;
}

export interface DatabaseSpec {
  readonly superuser: string;
  readonly passwordFile: string;
  /** Where PostgreSQL programs may be copied to and kept between runs. */
  readonly cacheDirectory: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** See `rpc.ts`. */
export type SiteOperations = {
  /** Starts database and control plane; nothing of the application yet. */
  readonly start: { readonly input: SiteSpec; readonly output: null };
  /** Starts load balancer and agent, and, unless `idle`, every replica. */
  readonly open: { readonly input: { readonly idle: boolean }; readonly output: null };
  readonly "crash-pod": { readonly input: null; readonly output: Instant };
  /** Replaces pods that are down, as `restart` of the control plane does. */
  readonly "restart-pods": { readonly input: null; readonly output: null };
  readonly "start-database": { readonly input: null; readonly output: null };
  readonly "crash-database": { readonly input: null; readonly output: Instant };
  readonly "fail-zone": { readonly input: { readonly zone: string }; readonly output: Instant };
  readonly "restore-zone": { readonly input: { readonly zone: string }; readonly output: Instant };
  /** Null lifts what was done before. */
  readonly "impair-database": {
    readonly input: { readonly impairment: Impairment | null };
    readonly output: Instant;
  };
  /** @throws `NOT_RUNNING` if the site has no agent */
  readonly "signal-agent": {
    readonly input: { readonly how: AgentSignal };
    readonly output: Instant;
  };
  /** Kills everything of the site without a goodbye. The caller kills this process next. */
  readonly lose: { readonly input: null; readonly output: Instant };
  /** Ends everything in order. */
  readonly stop: { readonly input: null; readonly output: null };
};

/** The configuration as the rest of CloudPhoenix sees it: frozen, typed, times in milliseconds. */

import type {
  Application,
  DurabilityMode,
  Policy,
  Signal,
  Site,
  SiteId,
  Vantage,
  Workload,
} from "@cloudphoenix/core";
import type { Problem } from "./problem.ts";

/** Everything one YAML file says. File names in it are absolute. */
export interface Configuration {
  /** The YAML file it was read from. */
  readonly file: string;
  readonly application: Application;
  /** In the order of `application.sites`. */
  readonly sites: readonly SiteConfiguration[];
  /** A network control outside every site; null if there is none. */
  readonly networkFence: ProviderConfiguration | null;
  readonly traffic: TrafficConfiguration;
  readonly replication: ReplicationConfiguration;
  /** The writer lease; null if none is used. */
  readonly lease: LeaseConfiguration | null;
  /** How objects are copied; null if the application has none. */
  readonly objects: ObjectsConfiguration | null;
  readonly vantages: readonly VantageConfiguration[];
  readonly signals: readonly SignalConfiguration[];
  /** What the file says, over the defaults. */
  readonly policy: Policy;
  readonly notify: readonly NotifyConfiguration[];
  readonly api: ApiConfiguration;
  readonly state: StateConfiguration;
  /** What is allowed but will surprise, for instance a level that can never act. */
  readonly warnings: readonly Problem[];
}

export interface SiteConfiguration extends Site {
  readonly entry: EntryConfiguration;
  readonly database: DatabaseConfiguration;
  readonly provider: ProviderConfiguration;
  /** The ways of the agent that keeps the site's lease; null without a lease. */
  readonly keeper: KeeperConfiguration | null;
  /** Where the application's objects lie at this site; null without `objects`. */
  readonly objects: StoreConfiguration | null;
}

export interface EntryConfiguration {
  /** IP address that goes into DNS. */
  readonly address: string;
  /** Base URL at which the controller reaches the entry, without a trailing slash. */
  readonly url: string;
}

export interface DatabaseConfiguration {
  /** As the controller reaches it; never holds a password. */
  readonly url: string;
  readonly passwordFile: string;
  /** As the other site's database reaches it (replication). */
  readonly peerUrl: string;
  readonly peerPasswordFile: string;
  /** Role the application connects as. */
  readonly applicationRole: string;
}

/** A control plane CloudPhoenix asks to scale, restart or block. */
export interface ProviderConfiguration {
  readonly kind: "local";
  /** Base URL without a trailing slash. */
  readonly url: string;
  readonly tokenFile: string;
}

export interface TrafficConfiguration {
  readonly kind: "rfc2136";
  readonly server: HostPort;
  readonly zone: string;
  /** The record clients resolve; inside `zone`. */
  readonly name: string;
  readonly ttlMs: number;
  /** Port clients use at the resolved address. */
  readonly port: number;
  readonly tsig: TsigConfiguration;
}

export interface TsigConfiguration {
  readonly name: string;
  readonly algorithm: TsigAlgorithm;
  readonly secretFile: string;
}

export type TsigAlgorithm = "hmac-sha256" | "hmac-sha512";

export interface ReplicationConfiguration {
  readonly durability: DurabilityMode;
  /** `*` for every table of the application, or `schema.table` names. */
  readonly tables: "*" | readonly string[];
}

/** How long a site may write without asking. The same names as the engine's `LeaseTerms`. */
export interface LeaseConfiguration {
  readonly ttlMs: number;
  readonly renewMs: number;
  readonly marginMs: number;
  readonly whenWitnessLost: "consistency" | "availability";
}

/** As the agent of a site reaches things; the URLs hold no password. */
export interface KeeperConfiguration {
  /** Its own site's database; the user of the URL is the agent's role there. */
  readonly databaseUrl: string;
  readonly databasePasswordFile: string;
  /** The state database; the user of the URL is the login made for this agent. */
  readonly witnessUrl: string;
  readonly witnessPasswordFile: string;
  /** Where other agents reach this one, without a trailing slash. */
  readonly peerUrl: string;
  readonly peerTokenFile: string;
}

/** How the application's objects follow it. */
export interface ObjectsConfiguration {
  /** Columns whose rows point to objects. */
  readonly references: readonly ObjectReference[];
  /** How far the copy may be behind. */
  readonly rpoMs: number;
  /** Time between two whole comparisons. */
  readonly reconcileMs: number;
  readonly canaryMs: number;
  /** Longest a move waits for objects on their way; 0: not at all. */
  readonly finalSyncMs: number;
  /** Objects copied at the same time. */
  readonly inFlight: number;
  /** Most bytes that one worker moves; null is no limit. */
  readonly bytesPerSecond: number | null;
  /** Whether the standby's store reads objects from the active one itself. */
  readonly serverSideCopy: "auto" | "always" | "never";
  readonly deletes: ObjectDeletes;
}

/** A column whose rows point to objects. Names are safe to put into SQL. */
export interface ObjectReference {
  /** `schema.table`. */
  readonly table: string;
  readonly key: string;
  /** Null there means: not stored yet. */
  readonly storedAt: string;
}

export interface ObjectDeletes {
  readonly delayMs: number;
  readonly maxPercent: number;
  readonly maxCount: number;
}

/** One site's object store. */
export interface StoreConfiguration {
  /** `s3://bucket?…` or `azblob://account/container?…`; never holds a credential. */
  readonly url: string;
  /** Static keys; null: the role of the process. */
  readonly credentialsFile: string | null;
  /** Queue with change events; null: there is none. */
  readonly hintsUrl: string | null;
}

export interface VantageConfiguration extends Vantage {
  /** URLs that answer as long as this vantage can see at all. */
  readonly canaries: readonly string[];
  /** Who asks there; null means the controller itself. */
  readonly agent: AgentConfiguration | null;
}

export interface AgentConfiguration {
  /** Base URL without a trailing slash. */
  readonly url: string;
  readonly tokenFile: string;
}

export interface SignalConfiguration extends Signal {
  /** `health-json`: the body says healthy, degraded or unhealthy. `http-ok`: any 2xx is healthy. */
  readonly expect: Expectation;
  /** What each vantage asks, by vantage id; empty for `replication-lag` and `object-backlog`, which ask no URL. */
  readonly urls: Readonly<Record<string, string>>;
}

export type Expectation = "health-json" | "http-ok";

export interface NotifyConfiguration {
  readonly kind: "webhook";
  /** File that holds the URL: chat webhooks carry their secret in it. */
  readonly urlFile: string;
}

export interface ApiConfiguration {
  readonly listen: HostPort;
  readonly tokenFile: string;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Where runs, roles and leadership are kept. */
export type StateConfiguration =
  | { readonly kind: "embedded"; readonly directory: string }
  | {
      readonly kind: "external";
      /** May hold a password only if it came from the environment: never print it. */
      readonly url: string;
      readonly passwordFile: string | null;
    };

/** What the sections of the file are parsed into before cross checks; sites lack nothing. */
export interface ApplicationSection {
  readonly name: string;
  readonly objectives: Application["objectives"];
  readonly workloads: readonly Workload[];
}

/** A vantage as written: its cloud follows from its site. */
export interface VantageSection {
  readonly id: string;
  readonly site: SiteId | null;
  readonly failureDomain: string;
  readonly canaries: readonly string[];
  readonly agent: AgentConfiguration | null;
}

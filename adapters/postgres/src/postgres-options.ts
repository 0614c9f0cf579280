/** What the adapter must be told. Built by the app from the configuration file. */
import type { DurabilityMode, SiteId } from "@cloudphoenix/core";
import type { Clock, FactStore } from "@cloudphoenix/engine";

/** A password, or where to read it whenever a connection is made (so that it can be rotated). */
export type Secret = string | (() => string | Promise<string>);

/** The database of one site. URLs carry no password. */
export interface PostgresSite {
  readonly site: SiteId;
  /** As CloudPhoenix reaches it, with the role made by `prepareServer`. */
  readonly adminUrl: string;
  readonly adminPassword: Secret;
  /** As the server of the other site reaches it, for replication. */
  readonly peerUrl: string;
  readonly peerPassword: Secret;
  /** The role the application writes with. */
  readonly applicationRole: string;
  /**
   * The role with which the site's agent keeps the writer lease. Null or left out: there is no
   * lease, and only the gate decides who writes. Either at both sites or at none.
   */
  readonly agentRole?: string | null;
}

export interface PostgresOptions {
  readonly application: string;
  /** The two sites. */
  readonly sites: readonly PostgresSite[];
  readonly durability: DurabilityMode;
  readonly clock: Clock;
  readonly limits?: Partial<PostgresLimits>;
  /** Where the watch keeps what the next leader must know of sequences. Left out: nowhere. */
  readonly facts?: FactStore;
  /**
   * Called before every statement with its text (secrets left out). For tracing; what it throws
   * ends the statement's connection as a crash of this process would, which tests make use of.
   */
  readonly beforeStatement?: (site: SiteId, statement: string) => void;
}

/** Every wait has a limit. Milliseconds. */
export interface PostgresLimits {
  /** To connect. Short, because a dead site is asked in the middle of a failover. */
  readonly connectMs: number;
  /** For one statement, unless it says otherwise. */
  readonly statementMs: number;
  /** To close the writes of a site against its running transactions. */
  readonly gateMs: number;
  /** For the apply worker of a standby to stop. */
  readonly applyStopMs: number;
  /** To read the log of a returned primary. Decoding runs at tens of MB per second. */
  readonly lossReadMs: number;
  /** For one statement that reads or repairs whole tables. */
  readonly bulkMs: number;
  /** Connections per site. */
  readonly connections: number;
  /** Steps a sequence is moved past its last known value; covers what was used since the sample. */
  readonly sequenceHeadroom: bigint;
}

export const DEFAULT_LIMITS: PostgresLimits = {
  connectMs: 1_500,
  statementMs: 10_000,
  gateMs: 5_000,
  applyStopMs: 3_000,
  lossReadMs: 300_000,
  // A checksum reads about a million rows a second; an hour is several hundred GB.
  bulkMs: 3_600_000,
  connections: 4,
  // Samples are 2 s apart; 10,000 covers 5,000 values a second, and 0.0005 % of an integer key.
  sequenceHeadroom: 10_000n,
};

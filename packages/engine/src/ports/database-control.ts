/** The replicated database of the application, as plans see it. */
import type {
  DurabilityMode,
  FenceProof,
  LossBound,
  LossReport,
  ReplicationFacts,
  SiteId,
} from "@cloudphoenix/core";

/** Result of a promotion. Stored in the journal, so plain JSON. */
export interface Promotion {
  readonly site: SiteId;
  /** Position of the old primary up to which everything was applied, as `X/Y`; null if never followed. */
  readonly appliedLsn: string | null;
  /** Slot made before the first write, from which the old primary can follow later. */
  readonly reverseSlot: string;
  /** Sequences moved past their last known value: name → new value (decimal text). */
  readonly sequences: Readonly<Record<string, string>>;
  /** Whether the promotion had been done before this call. */
  readonly alreadyDone: boolean;
}

/** Where the database of one site stands, as it says itself. */
export interface DatabaseState {
  readonly site: SiteId;
  readonly role: "active" | "standby" | "fenced" | "unprepared";
  readonly generation: number;
  /** Whether an application's write would be accepted now. */
  readonly writesOpen: boolean;
  readonly durability: DurabilityMode;
  readonly version: string;
}

/**
 * Every method is idempotent for one generation, refuses older generations with
 * `STALE_GENERATION`, gives up with `ABORTED` when `signal` aborts, and throws `UNREACHABLE`, or
 * `TIMED_OUT` for a server that falls silent (both retryable), within a limit of its own.
 */
export interface DatabaseControl {
  inspect(site: SiteId, signal: AbortSignal): Promise<DatabaseState>;

  /**
   * Refuses application writes, ends application sessions and the lease of the site, then reads it
   * back. A server that does not answer is no error: the proof is `unproven`, with the reason.
   */
  fence(site: SiteId, generation: number, signal: AbortSignal): Promise<FenceProof>;

  /**
   * Lifts a fence of the same or an older generation (rollback before anything was promoted). A site
   * that is not fenced stays as it is, and from now on refuses the fence that may still be on its way.
   */
  unfence(site: SiteId, generation: number, signal: AbortSignal): Promise<void>;

  /**
   * Waits until `to` has applied everything `from` committed. Needs both alive (switchover).
   * @throws {CloudPhoenixError} `CONFLICT` while writes are open at `from`, `REPLICATION_BROKEN` if
   *   `to` does not follow it, `TIMED_OUT`
   */
  drain(from: SiteId, to: SiteId, signal: AbortSignal): Promise<{ readonly lsn: string }>;

  /**
   * What can be said about the loss now, without the old primary. Does not grow once `fence` has
   * proven that the writers of `from` stopped, and is still told after the promotion of `to`.
   */
  lossBound(from: SiteId, to: SiteId, signal: AbortSignal): Promise<LossBound>;

  /**
   * Makes `site` the primary while writes stay refused: records how far `from` was applied,
   * detaches the subscription, makes publication and reverse slot, advances sequences.
   * @throws {CloudPhoenixError} `PROMOTION_REFUSED` if it does not follow `from`, or has no complete
   *   copy of it
   */
  promote(site: SiteId, from: SiteId, generation: number, signal: AbortSignal): Promise<Promotion>;

  /**
   * Lets application writes through; where there is a lease, only once the site has one.
   * `PROMOTION_REFUSED`, and nothing changes, before a promotion and at a fenced site.
   */
  openWrites(site: SiteId, generation: number, signal: AbortSignal): Promise<void>;

  /** Refuses application writes again (undo of `openWrites`). */
  closeWrites(site: SiteId, generation: number, signal: AbortSignal): Promise<void>;

  /**
   * Reads from a returned, fenced old primary exactly which transactions were lost.
   * @throws {CloudPhoenixError} `CONFLICT` while writes are open there
   */
  measureLoss(from: SiteId, appliedLsn: string, signal: AbortSignal): Promise<LossReport>;
}

/** Keeps watching replication from the active site to each standby. */
export interface ReplicationWatch {
  /** The site whose standbys `facts` tells of: who is active, as the databases say, a moment late. */
  readonly active: SiteId;
  /** Newest facts per standby; never blocks, never throws. */
  facts(standby: SiteId): ReplicationFacts;
  /** The newest comparison of the schemas by this process; null if it could not compare yet. */
  schemaComparison(standby: SiteId): SchemaComparison | null;
  /** The schema of a standby as this process read it last, its writer alive or not; null if it did not. */
  standbySchema(standby: SiteId): StandbySchema | null;
}

/** What must stay the same for a comparison to hold, when only the standby can be read. */
export interface StandbySchema {
  readonly atMs: number;
  /** The same for the same schema, and for no other. */
  readonly digest: string;
}

/** What comparing the schemas of the active site and of one that follows it found. */
export interface SchemaComparison {
  readonly atMs: number;
  /** Of the schema that the standby had then, see `StandbySchema`. */
  readonly standbyDigest: string;
  /** A sentence each; none if the schemas are the same and everything is replicated. */
  readonly differences: readonly string[];
}

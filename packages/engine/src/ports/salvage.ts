/** What a returned old primary holds that nobody else has, and bringing it home without a full copy. */
import type { SiteId } from "@cloudphoenix/core";

/** Column values as PostgreSQL prints them; null for SQL null. */
export type RowValues = Readonly<Record<string, string | null>>;

/** One change that the site which took over never got. Plain JSON. */
export interface DivergentRow {
  /** Qualified and quoted, for instance `public.orders`. */
  readonly table: string;
  readonly operation: "insert" | "update" | "delete" | "truncate";
  /** Key of the row *before* the change (of an insert: after). Null if the table has none. */
  readonly key: RowValues | null;
  /**
   * Values before the change as far as the log has them: all of them where the table's replica
   * identity is `full`, otherwise those that identified the row. Null for inserts and truncations,
   * and for updates that left what identifies the row alone.
   */
  readonly before: RowValues | null;
  /** Values after the change; null if none are left. */
  readonly row: RowValues | null;
  /**
   * Columns that `row` lacks: their large values stayed as they were, and the log does not repeat
   * them. They are in an earlier change of the same row, or what both sites had when they parted.
   */
  readonly unchanged: readonly string[];
  /** Changes with the same one were committed together. */
  readonly xid: string;
  /** Clock of the old primary, milliseconds since 1970. */
  readonly committedAtMs: number;
}

/** Plain JSON, so that it can be stored and shown. */
export interface DivergenceSummary {
  readonly transactions: number;
  /** Changed rows by table. */
  readonly rowsByTable: Readonly<Record<string, number>>;
  readonly truncatesTables: readonly string[];
  /** Commit times on the old primary's clock; null if nothing diverged. */
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
  /** From the last commit that arrived to the last that did not. */
  readonly rpoMs: number;
  /** Whether `rejoin` would work now. */
  readonly repairable: boolean;
  /** Why not, one sentence each. */
  readonly obstacles: readonly string[];
  /** Tables that a repair would copy whole, because single rows of them cannot be named. */
  readonly fullCopyTables: readonly string[];
}

export interface ReapplyResult {
  /** Changed rows that are now at the writer. */
  readonly applied: number;
  /** Changed rows that were left out and changed nothing there. */
  readonly conflicting: number;
  /** The first of those, in commit order; cut off at 10,000. */
  readonly conflicts: readonly DivergentRow[];
  /** Whether an earlier call had done it; the figures are that call's. */
  readonly alreadyDone: boolean;
}

export interface RejoinRequest {
  /** Position up to which `to` had applied the site's log (`Promotion.appliedLsn`); null if unknown. */
  readonly appliedLsn: string | null;
  /** Slot that `to` made before its first write (`Promotion.reverseSlot`). */
  readonly reverseSlot: string;
  /** The generation of `to`; both sites are claimed for it. */
  readonly generation: number;
}

export interface RejoinResult {
  /** Rows of the site that are gone, because `to` has no such row; without tables copied whole. */
  readonly deleted: number;
  /** Rows taken over from `to`; without tables copied whole. */
  readonly restored: number;
  /** Tables in which rows were repaired one by one. */
  readonly tables: readonly string[];
  /** Tables that were copied whole. */
  readonly fullCopyTables: readonly string[];
  /** Whether the site followed already and nothing was repaired. */
  readonly alreadyDone: boolean;
}

export interface TableComparison {
  readonly name: string;
  /** Rows compared at the writer. */
  readonly rows: number;
  /** Sum over the compared rows; does not depend on their order. Decimal text. */
  readonly checksumWriter: string;
  readonly checksumFollower: string;
  readonly equal: boolean;
  /** Rows left out because they changed while the tables were read. */
  readonly changing: number;
}

export interface SiteComparison {
  /** Position of the writer's log at which both sites were compared, as `X/Y`. */
  readonly lsn: string;
  readonly tables: readonly TableComparison[];
  /** Tables without a usable key that changed during every attempt: nothing can be said of them. */
  readonly unsettled: readonly string[];
  /** Whether every table was compared and none differs. */
  readonly equal: boolean;
}

/**
 * Every method gives up with `ABORTED` when `signal` aborts and throws `UNREACHABLE` (retryable)
 * when a server does not answer. Those that read a site's tail throw `CONFLICT` if writes are open
 * there, and `REPLICATION_BROKEN` if it no longer keeps that part of its log (then only a full
 * re-seed brings it back).
 */
export interface Salvage {
  /** What diverged at `from`, and whether it can rejoin. Changes nothing. */
  inspect(from: SiteId, appliedLsn: string, signal: AbortSignal): Promise<DivergenceSummary>;

  /** Every divergent change in commit order, in bounded memory however many there are. */
  rows(from: SiteId, appliedLsn: string, signal: AbortSignal): AsyncIterable<DivergentRow>;

  /**
   * Applies the divergent transactions of `from` at the writer `to`, each whole or not at all. One
   * conflicts, and changes nothing, if a row it changed was also changed at `to` since the sites
   * parted, if a constraint forbids it, if it truncates, or if it builds on a conflicting one.
   * Done once: a second call returns the first one's result.
   * @throws {CloudPhoenixError} `STALE_GENERATION`; `CONFLICT` if writes are not open at `to`, if a
   *   table that was changed is not the same at both sites, or once a `rejoin` of `from` has begun
   */
  reapply(
    from: SiteId,
    to: SiteId,
    request: { readonly appliedLsn: string; readonly generation: number },
    signal: AbortSignal,
  ): Promise<ReapplyResult>;

  /**
   * Makes a fenced old primary the standby of the writer `to`: rows that either site changed since
   * they parted become those of `to`, the rest is not touched; then it follows. What diverged is
   * gone afterwards. Works alike after a switchover, when nothing diverged. Idempotent; a call after
   * a crash at any point finishes the work.
   * @throws {CloudPhoenixError} `STALE_GENERATION`; `CONFLICT` if the roles or schemas do not fit;
   *   `REPLICATION_BROKEN` if one of the two no longer keeps the log since they parted
   */
  rejoin(
    site: SiteId,
    to: SiteId,
    request: RejoinRequest,
    signal: AbortSignal,
  ): Promise<RejoinResult>;

  /**
   * Compares every application table of both sites at one position of the writer's log, without
   * stopping writes: rows that change meanwhile are left out and counted.
   * @throws {CloudPhoenixError} `REPLICATION_BROKEN` if `follower` does not follow `writer`;
   *   `TIMED_OUT` if it does not catch up
   */
  compare(writer: SiteId, follower: SiteId, signal: AbortSignal): Promise<SiteComparison>;
}

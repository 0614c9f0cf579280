/** The application's objects, as plans and decisions see them. */
import type { ObjectCopyFacts, SiteId } from "@cloudphoenix/core";

/** Keeps watching the copy of the objects from the active site to each standby. */
export interface ObjectWatch {
  /** Newest facts about the copy at `standby`; never blocks, never throws. */
  facts(standby: SiteId): ObjectCopyFacts;
}

/** What came of the last look at the objects of a site that was left. Plain JSON. */
export interface ObjectSettlement {
  /** Copied in this settlement. */
  readonly copied: number;
  /** Known to be missing still; null if the source could not be asked. */
  readonly left: number | null;
  /** Rows looked at that say their object is stored. */
  readonly referenced: number;
  /** Their objects that are not at the new site. */
  readonly missing: number;
  /** The first of them, in order; bounded. */
  readonly missingKeys: readonly string[];
  /** In one sentence, for people. */
  readonly detail: string;
}

/** Does with objects what only whoever copies them can do. */
export interface ObjectDesk {
  /**
   * Copies what is still missing at `to`, if `from` answers, for at most the configured time, and
   * compares the rows of `to` with its objects. Idempotent: what is there is not copied again.
   * @throws {CloudPhoenixError} `TIMED_OUT` if nobody copies objects now, `UNREACHABLE`, `ABORTED`
   */
  settle(
    from: SiteId,
    to: SiteId,
    generation: number,
    signal: AbortSignal,
  ): Promise<ObjectSettlement>;
}

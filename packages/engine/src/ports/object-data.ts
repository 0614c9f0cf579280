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
  /** Whether these are all of them; otherwise there was no time for the others. */
  readonly allRows: boolean;
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
   * compares the rows of `to` with its objects, for at most an hour. Idempotent: what is there is not copied again.
   * @throws {CloudPhoenixError} `TIMED_OUT` if nobody copies objects now, `UNREACHABLE`, `ABORTED`
   */
  settle(
    from: SiteId,
    to: SiteId,
    generation: number,
    signal: AbortSignal,
  ): Promise<ObjectSettlement>;
}

/** An object that only a returned site has, or has otherwise than the writer. Plain JSON. */
export interface DivergentObject {
  /** Without what the configuration puts before every key. */
  readonly key: string;
  /**
   * `only-there`: the writer has nothing of this name; `differs`: it has something else. Both may exist
   * nowhere else. `outdated`: it had been copied, and the writer has deleted or replaced it since.
   */
  readonly kind: "only-there" | "differs" | "outdated";
  readonly sizeBytes: number;
  /** When the returned site's store took it, by that store's clock; epoch ms. */
  readonly modifiedMs: number;
  /** What the writer has under the key; null for nothing. */
  readonly writer: { readonly sizeBytes: number; readonly modifiedMs: number } | null;
}

/** What a stretch of the comparison found. */
export interface DivergentObjectPage {
  /** Objects of the returned site that were compared. */
  readonly looked: number;
  readonly found: readonly DivergentObject[];
}

/** Compares the objects of a returned site with the writer's. Changes nothing at either. */
export interface DivergentObjects {
  /**
   * In the order of keys, in bounded memory however many there are; only a comparison that ends has seen all.
   * @throws {CloudPhoenixError} `UNREACHABLE` (retryable) if a store does not answer, saying which; `ABORTED`
   */
  compare(
    returned: SiteId,
    writer: SiteId,
    signal: AbortSignal,
  ): AsyncIterable<DivergentObjectPage>;
}

/** What a continuous copy is made of. */
import type { ChangeHints } from "../change-hints.ts";
import type { CopiedVersions } from "../copied-versions.ts";
import type { CopyTools } from "../copy-tools.ts";
import type { ObjectPlace } from "../object-place.ts";
import type { ObjectEntry } from "../object-store.ts";
import type { TombstoneStore } from "../tombstone-store.ts";
import type { CopierMemory } from "./copier-memory.ts";
import type { DeleteLimits } from "./deletions.ts";

export interface ContinuousLimits {
  /** Objects copied at the same time, at most: fewer while a store asks for patience. */
  readonly inFlight: number;
  /** Keys remembered as pending. */
  readonly pendingMax: number;
  readonly canaryMs: number;
  /** Shortest and longest time between two comparisons. */
  readonly reconcileMinMs: number;
  readonly reconcileMaxMs: number;
  readonly deletes: DeleteLimits;
}

export interface ContinuousCopyOptions {
  readonly from: string;
  readonly to: string;
  readonly generation: number;
  readonly source: ObjectPlace;
  readonly target: ObjectPlace;
  /** Null: changes are found by comparing alone. */
  readonly hints: ChangeHints | null;
  /** Its retries should be short: what fails is tried again later, and others go on meanwhile. */
  readonly tools: CopyTools;
  readonly tombstones: TombstoneStore;
  readonly copiedVersions: CopiedVersions;
  readonly limits: ContinuousLimits;
  /**
   * Resolves if this copier may still write from here to there; asked before every batch, at most
   * every `AUTHORITY_MS`.
   * @throws {CloudPhoenixError} `STALE_GENERATION` or `CLAIM_LOST` if it may not; anything retryable
   * if that cannot be told now
   */
  readonly authority: (signal: AbortSignal) => Promise<void>;
  /** See `KeyMoverOptions`. */
  readonly mayReplace: (target: ObjectEntry) => boolean;
  /** What an earlier process knew last of the same direction; not trusted if its clock was ahead. */
  readonly earlier: CopierMemory | null;
  readonly log: (level: "info" | "warn", message: string) => void;
}

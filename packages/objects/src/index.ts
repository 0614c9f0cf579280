export * from "./absent-keys.ts";
export { BandwidthLimit } from "./bandwidth-limit.ts";
export { ByteBudget } from "./byte-budget.ts";
export * from "./change-hints.ts";
export * from "./compare-keys.ts";
export * from "./copied-versions.ts";
export * from "./divergent-objects.ts";
export * from "./hint-queue.ts";
export { type Likeness, compareVersions, sideOf } from "./compare-versions.ts";
export { type CopyOutcome, type CopyRequest, copyObject } from "./copy-object.ts";
export { type CopySizes, type CopyTools, DEFAULT_SIZES } from "./copy-tools.ts";
export { type MergeOptions, type Pair, mergeListings } from "./merge-listings.ts";
export * from "./object-place.ts";
export * from "./object-store.ts";
export { DEFAULT_RETRIES, QUICK_RETRIES, type RetryPolicy, withRetries } from "./retries.ts";
export { SecretUrl } from "./wire/secret-url.ts";
export {
  SERVER_SIDE_MIN_BYTES,
  ServerSideCopy,
  type ServerSideCounts,
  type ServerSideMode,
  type ServerSideOptions,
} from "./server-side-copy.ts";
export { storedFacts } from "./stored-facts.ts";
export { type CopiedVersion, isOwnCopy, readStamp, stampOf } from "./stamp.ts";
export type { Surroundings } from "./surroundings.ts";
export { CANARY_NAME } from "./own-names.ts";
export * from "./upload-journal.ts";
export { SyncState, type SyncStateOptions } from "./state/sync-state.ts";
export * from "./tombstone-store.ts";
export {
  type BringRangeOptions,
  bringRange,
  type RangeProgress,
} from "./continuous/bring-range.ts";
export type { RangeFailure } from "./continuous/name-bringer.ts";
export {
  type Canary,
  type FoundCanary,
  readCanary,
  writeCanary,
} from "./continuous/canary.ts";
export { ContinuousCopy } from "./continuous/continuous-copy.ts";
export type {
  ContinuousCopyOptions,
  ContinuousLimits,
} from "./continuous/continuous-copy-options.ts";
export {
  type CutOptions,
  cutRanges,
  RANGE_BYTES,
  RANGE_OBJECTS,
} from "./continuous/cut-ranges.ts";
export {
  type CopiedMark,
  type CopierMemory,
  copierMemoryIn,
  type DeletedThen,
} from "./continuous/copier-memory.ts";
export type { DeleteLimits } from "./continuous/deletions.ts";
export {
  type FinalSyncOptions,
  type FinalSyncResult,
  finalSync,
} from "./continuous/final-sync.ts";
export * from "./continuous/object-tasks.ts";
export * from "./continuous/parting.ts";
export * from "./continuous/replication-facts.ts";
export { DEFAULT_DELETE_RULES, type DeleteRules } from "./delete-missing.ts";
export { type NamePatterns, nameFilter } from "./name-filter.ts";
export { DEFAULT_LIMITS, type SyncLimits, type SyncOptions, syncObjects } from "./sync-objects.ts";
export * from "./sync-summary.ts";
export * from "./verify-objects.ts";

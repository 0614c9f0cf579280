/**
 * Every advisory lock taken in the state database. They share one number space there, so they live
 * in one place; releases that run side by side must agree on them, so a number never changes.
 */
export const ADVISORY_LOCKS = {
  /** One process migrates at a time. */
  migration: 7_214_001,
  /** Its holder leads, for as long as its session lives. */
  leader: 7_214_002,
  /** Seed of the hash over a pair's name: rounds of one pair take turns. */
  objectRounds: 7_214_003,
  /** Two that create or grant at once would otherwise fail over the same row of the catalogue. */
  witnessLogins: 7_214_004,
} as const;

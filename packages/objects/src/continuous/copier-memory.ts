/** What a copier has to know of the one before it, on whatever machine that was. Plain JSON, as stored. */
import type { Json } from "@cloudphoenix/core";
import type { EarlierBacklog } from "./backlog.ts";
import { objectReplicationIn, type ObjectReplicationFacts } from "./replication-facts.ts";

/** Most names of objects that are known not to be copied. */
export const UNCOPIED_MAX = 100;

/**
 * Everything that was stored at the source until `untilMs` is at the target, but for the names in `except`.
 * Objects that need a person count: what nobody copied is nowhere else.
 */
export interface CopiedMark {
  readonly untilMs: number;
  readonly except: readonly string[];
}

/** So many objects were deleted around that instant. */
export interface DeletedThen {
  readonly atMs: number;
  readonly count: number;
}

export interface CopierMemory {
  readonly facts: ObjectReplicationFacts;
  /** Null before the first comparison. */
  readonly copied: CopiedMark | null;
  /** Within the window of `DeleteVelocity`. */
  readonly deletes: readonly DeletedThen[];
}

/** The memory in a stored value, of this version or one before it; null if there is none. */
export function copierMemoryIn(stored: Json): CopierMemory | null {
  if (typeof stored !== "object" || stored === null) return null;
  if (!("facts" in stored) || !("copied" in stored) || !("deletes" in stored)) return null;
  const facts = objectReplicationIn(stored["facts"] ?? null);
  if (facts === null) return null;
  const memory: CopierMemory = JSON.parse(JSON.stringify(stored));
  return { ...memory, facts };
}

/** How much the clock of an earlier process may seem ahead without being wrong. */
const AHEAD_MAX_MS = 1_000;

/** `memory`, unless its clock was ahead of ours: its instants would claim what is not known. */
export function trustedMemory(memory: CopierMemory | null, nowMs: number): CopierMemory | null {
  return memory === null || memory.facts.atMs > nowMs + AHEAD_MAX_MS ? null : memory;
}

/** How far the copy was, on the clock that copiers share; never later than `nowMs`. */
export function earlierBacklog({ facts }: CopierMemory, nowMs: number): EarlierBacklog {
  const { markMs, backlogAgeMs, atMs } = facts;
  const copiedUntilMs = backlogAgeMs === null ? null : Math.min(atMs, nowMs) - backlogAgeMs;
  return { markMs, copiedUntilMs };
}

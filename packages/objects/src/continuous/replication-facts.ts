/** What the continuous copier tells about itself. Plain JSON, as stored and sent. */
import type { Json } from "@cloudphoenix/core";

/** One object that cannot be copied, or could not the last time. */
export interface ObjectFailure {
  readonly key: string;
  readonly code: string;
  readonly message: string;
  readonly sinceMs: number;
  /** It is tried again by itself; otherwise somebody has to act, and the age does not count it. */
  readonly retried: boolean;
}

/** Most failures that are listed by key; `failed` counts them all. */
export const FAILURES_MAX: number = 20;

/**
 * How the objects get from one site to another. All instants are by the clock that the workers share
 * (the state database's): only their differences mean anything elsewhere.
 */
export interface ObjectReplicationFacts {
  readonly from: string;
  readonly to: string;
  readonly generation: number;
  /**
   * Age of the oldest change at `from` that may be missing at `to`: the object RPO. Null is unknown.
   * Objects that can never be copied (`failures` without `retried`) are not in it.
   */
  readonly backlogAgeMs: number | null;
  /** Keys that changed and are not known to be copied. */
  readonly pending: number;
  /** Everything that was stored at `from` by then is known to be at `to`; null is unknown. */
  readonly markMs: number | null;
  /** When the newest canary seen at `to` was written at `from`; null if none was ever seen. */
  readonly canarySeenMs: number | null;
  /** When the newest complete comparison of both listings began; null if there was none. */
  readonly lastReconciledMs: number | null;
  /** Since this process began to copy in this direction. */
  readonly copied: number;
  readonly bytes: number;
  /** Of what was copied between these two stores by this process, for whatever task: read by the target itself. */
  readonly copiedServerSide: number;
  readonly bytesServerSide: number;
  readonly deleted: number;
  readonly failed: number;
  /** Those of them that are not copied until a person acts: neither pending nor in the age. */
  readonly needPerson: number;
  /** The oldest `FAILURES_MAX` of them. */
  readonly failures: readonly ObjectFailure[];
  /** Why nothing is copied now, in words; null while it is. */
  readonly paused: string | null;
  /** Why objects that are due to be deleted are not, in words; null while nothing is in the way. */
  readonly deletesHeldBack: string | null;
  readonly atMs: number;
}

/** Key of the fact with the newest `ObjectReplicationFacts` about the copy at `standby`, whoever tells them. */
export function objectReplicationKey(application: string, standby: string): string {
  return `objects-following:${application}:${standby}`;
}

/** The facts in a stored value, of this version or one before it; null if there are none. */
export function objectReplicationIn(stored: Json): ObjectReplicationFacts | null {
  if (typeof stored !== "object" || stored === null || !("backlogAgeMs" in stored)) return null;
  const facts: StoredFacts = JSON.parse(JSON.stringify(stored));
  if (isOfThisVersion(facts)) return facts;
  const { paused } = facts;
  const deletesOnly = paused?.startsWith("deletes are held back") === true;
  return {
    ...facts,
    needPerson: facts.failures.filter(({ retried }) => !retried).length,
    paused: deletesOnly ? null : paused,
    deletesHeldBack: deletesOnly ? paused : null,
  };
}

/** Once `paused` told of deletes, too, and objects that need a person were told only as far as they were listed. */
type Added = "needPerson" | "deletesHeldBack";
type StoredFacts = Omit<ObjectReplicationFacts, Added> | ObjectReplicationFacts;

function isOfThisVersion(facts: StoredFacts): facts is ObjectReplicationFacts {
  return "needPerson" in facts && "deletesHeldBack" in facts;
}

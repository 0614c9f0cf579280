/** What is known about moving to a standby. Gathered by the engine, judged by guards. */

import type { FenceDegree } from "./fence.ts";
import type { Status } from "./signal.ts";
import type { SiteId } from "./topology.ts";

/**
 * Replication as the heartbeat row shows it. The controller writes its own clock into a row at the
 * active site and reads it at the standby, so one clock is compared with itself.
 */
export interface ReplicationFacts {
  /** Newest heartbeat the active site acknowledged; null if none yet. */
  readonly writtenAtMs: number | null;
  /** Newest heartbeat readable at the standby; null if none yet. */
  readonly appliedAtMs: number | null;
  /** When the standby last answered; null if never. */
  readonly readAtMs: number | null;
  /** Bytes of WAL the standby had not confirmed when the active site was last asked. */
  readonly lagBytes: bigint | null;
  readonly state: "streaming" | "catching-up" | "broken" | "unknown";
  readonly detail: string;
  /** Set where its first copy has not ended: it cannot be promoted. */
  readonly copying?: true;
}

/**
 * How far the copy of the objects is, as its follower last told, to this controller or to one before it.
 * The instants here are on the controller's clock.
 */
export interface ObjectCopyFacts {
  /** When the follower last told anything new; null if never. */
  readonly toldAtMs: number | null;
  /** All that was stored at the active site until then is at the standby; null if unknown. */
  readonly completeUntilMs: number | null;
  /** When the newest canary object seen at the standby was written; null if none was. */
  readonly canaryMs: number | null;
  /** Objects known to be on their way. */
  readonly pending: number;
  /** Objects that are not copied until a person acts; `completeUntilMs` does not count them. */
  readonly needPerson: number;
  /** Why nothing is copied now, in words; null while it is. */
  readonly paused: string | null;
  /** Why objects that are due to be deleted are not, in words; null while nothing is in the way. */
  readonly deletesHeldBack: string | null;
}

/** Everything a guard may ask about one standby. */
export interface StandbyFacts {
  readonly site: SiteId;
  /** What the standby's entry says of itself (writes refused counts as healthy there). */
  readonly entry: Status;
  readonly entryDetail: string;
  readonly replication: ReplicationFacts;
  /** Null where the application has no objects. */
  readonly objects: ObjectCopyFacts | null;
  /** Differences between the schemas; null if they could not be compared. */
  readonly schemaDifferences: readonly string[] | null;
  /** The strongest fence of the active site that could be obtained now. */
  readonly fenceObtainable: FenceDegree;
  readonly fenceDetail: string;
}

/** How far each standby is behind, and what moving to it now would lose. */

import type {
  Decision,
  ObjectCopyFacts,
  ReplicationFacts,
  Situation,
  StandbyFacts,
} from "@cloudphoenix/core";

export interface ReplicationView {
  readonly standby: string;
  readonly state: ReplicationFacts["state"];
  /** Newest acknowledged heartbeat minus newest applied one; null if either is unknown. */
  readonly lagMs: number | null;
  /** Bytes not confirmed when the active site was last asked, as decimal text. */
  readonly lagBytes: string | null;
  /** Upper bound of what a move now would lose; null if unknown. */
  readonly lossBoundMs: number | null;
  readonly writtenAtMs: number | null;
  readonly appliedAtMs: number | null;
  readonly readAtMs: number | null;
  readonly detail: string;
  /** Differences between the schemas; null if they could not be compared. */
  readonly schemaDifferences: readonly string[] | null;
  /** Null where the application has no objects. */
  readonly objects: ObjectCopyView | null;
}

/** How far the copy of the objects is. */
interface ObjectCopyView {
  /** Age of the oldest object that may be missing; null if unknown. */
  readonly behindMs: number | null;
  /** Objects known to be on their way. */
  readonly pending: number;
  /** Age of the newest canary object seen at the standby; null if none was. */
  readonly canaryAgeMs: number | null;
  /** When the follower last told anything; null if never. */
  readonly toldAtMs: number | null;
  /** Objects that are not copied until a person acts; `behindMs` does not count them. */
  readonly needPerson: number;
  /** Why nothing is copied; null while it is. */
  readonly paused: string | null;
  /** Why objects that are due to be deleted are not; null while nothing is in the way. */
  readonly deletesHeldBack: string | null;
}

/** One view per standby of the situation. */
export function replicationViews(
  situation: Situation,
  decision: Decision,
): readonly ReplicationView[] {
  const lastAliveAtMs = decision.lastAlive?.atMs ?? null;
  const { nowMs } = situation;
  return situation.standbys.map((standby) => replicationView(standby, { lastAliveAtMs, nowMs }));
}

function replicationView(
  standby: StandbyFacts,
  { lastAliveAtMs, nowMs }: { readonly lastAliveAtMs: number | null; readonly nowMs: number },
): ReplicationView {
  const { writtenAtMs, appliedAtMs, lagBytes, readAtMs, state, detail } = standby.replication;
  const behind = (untilMs: number | null): number | null =>
    untilMs === null || appliedAtMs === null ? null : Math.max(0, untilMs - appliedAtMs);
  return {
    standby: standby.site,
    state,
    lagMs: behind(writtenAtMs),
    lagBytes: lagBytes === null ? null : lagBytes.toString(),
    lossBoundMs: behind(lastAliveAtMs),
    writtenAtMs,
    appliedAtMs,
    readAtMs,
    detail,
    schemaDifferences: standby.schemaDifferences,
    objects: standby.objects === null ? null : objectCopyView(standby.objects, nowMs),
  };
}

function objectCopyView(
  { completeUntilMs, canaryMs, ...told }: ObjectCopyFacts,
  nowMs: number,
): ObjectCopyView {
  const ageOf = (atMs: number | null): number | null =>
    atMs === null ? null : Math.max(0, nowMs - atMs);
  return {
    ...told,
    behindMs: ageOf(completeUntilMs),
    canaryAgeMs: ageOf(canaryMs),
  };
}

/** How far each standby is behind, and what moving to it now would lose. */

import type { Decision, ReplicationFacts, Situation, StandbyFacts } from "@cloudphoenix/core";

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
}

/** One view per standby of the situation. */
export function replicationViews(
  situation: Situation,
  decision: Decision,
): readonly ReplicationView[] {
  const lastAliveAtMs = decision.lastAlive?.atMs ?? null;
  return situation.standbys.map((standby) => replicationView(standby, lastAliveAtMs));
}

function replicationView(standby: StandbyFacts, lastAliveAtMs: number | null): ReplicationView {
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
  };
}

/** Replication as a signal among the others: heartbeats in, observations out. */
import type { ReplicationFacts, Signal, SiteId } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { ReplicationWatch } from "../ports/database-control.ts";
import type { ObservationSource } from "../ports/observation-source.ts";
import { type FactAnswer, factSignal, worstAnswer } from "./fact-signal.ts";

/** The bands of design.md: below 5 s all is well, beyond 30 s a move would lose too much. */
const DEGRADED_MS = 5_000;
const UNHEALTHY_MS = 30_000;

/** A heartbeat older than this says that the other side of the comparison is silent. */
const SILENT_MS = 5_000;

export interface ReplicationSignalOptions {
  readonly clock: Clock;
  readonly watch: ReplicationWatch;
  /** Signals of kind `replication-lag`; the others are ignored. */
  readonly signals: readonly Signal[];
  readonly sites: readonly SiteId[];
  /** The active site now; a signal of another site has nothing to say. */
  readonly active: () => SiteId;
}

/** Turns replication facts into observations, once per interval of each signal. */
export function replicationSignal(options: ReplicationSignalOptions): ObservationSource {
  const { watch, sites } = options;
  return factSignal({
    ...options,
    kind: "replication-lag",
    answer: (signal, nowMs) =>
      worstAnswer(
        sites
          .filter((site) => site !== signal.site)
          .map((site) => lagStatus(watch.facts(site), nowMs, site)),
        "no standby to compare with",
      ),
  });
}

/**
 * What the heartbeats say about one standby. Lag needs both sides: while the active site cannot be
 * written or the standby cannot be read, how far it is behind is unknown, not bad.
 */
function lagStatus(facts: ReplicationFacts, nowMs: number, standby: SiteId): FactAnswer {
  const { writtenAtMs, appliedAtMs, readAtMs } = facts;
  if (writtenAtMs === null || nowMs - writtenAtMs > SILENT_MS) {
    return { status: "unknown", detail: "the active site accepts no heartbeat" };
  }
  if (readAtMs === null || nowMs - readAtMs > SILENT_MS) {
    return { status: "unknown", detail: `${standby} cannot be read` };
  }
  if (appliedAtMs === null) return { status: "unknown", detail: `${standby} has no heartbeat yet` };
  const lagMs = Math.max(0, writtenAtMs - appliedAtMs);
  const status = lagMs > UNHEALTHY_MS ? "unhealthy" : lagMs >= DEGRADED_MS ? "degraded" : "healthy";
  return { status, detail: `${standby} is ${lagMs} ms behind` };
}

/** Replication as a signal among the others: heartbeats in, observations out. */
import {
  type Observation,
  type ReplicationFacts,
  type Signal,
  type SiteId,
  type Status,
  hasCode,
} from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { ReplicationWatch } from "../ports/database-control.ts";
import type { ObservationListener, ObservationSource } from "../ports/observation-source.ts";

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
  const stopped = new AbortController();
  let loops: Promise<unknown> = Promise.resolve();
  return {
    start(listener) {
      const signals = options.signals.filter((signal) => signal.kind === "replication-lag");
      loops = Promise.all(
        signals.map((signal) => watchLag(options, signal, listener, stopped.signal)),
      );
    },
    async stop() {
      stopped.abort();
      await loops;
    },
  };
}

async function watchLag(
  options: ReplicationSignalOptions,
  signal: Signal,
  listener: ObservationListener,
  stopped: AbortSignal,
): Promise<void> {
  while (!stopped.aborted) {
    if (signal.site === options.active()) {
      for (const vantage of signal.vantages) {
        listener.observed(observe(options, signal, vantage));
      }
    }
    try {
      await options.clock.sleep(signal.intervalMs, stopped);
    } catch (error) {
      if (!hasCode(error, "ABORTED")) throw error;
    }
  }
}

/** The worst of the standbys counts: each is a site the application may have to move to. */
function observe(
  { clock, watch, sites }: ReplicationSignalOptions,
  signal: Signal,
  vantage: string,
): Observation {
  const atMs = clock.now();
  const answers = sites
    .filter((site) => site !== signal.site)
    .map((site) => lagStatus(watch.facts(site), atMs, site));
  const worst = answers.reduce(
    (worse, answer) =>
      SEVERITY.indexOf(answer.status) > SEVERITY.indexOf(worse.status) ? answer : worse,
    { status: "unknown", detail: "no standby to compare with" } satisfies LagStatus,
  );
  return { signal: signal.id, vantage, atMs, ...worst, latencyMs: null };
}

const SEVERITY: readonly Status[] = ["unknown", "healthy", "degraded", "unhealthy"];

interface LagStatus {
  readonly status: Status;
  readonly detail: string;
}

/**
 * What the heartbeats say about one standby. Lag needs both sides: while the active site cannot be
 * written or the standby cannot be read, how far it is behind is unknown, not bad.
 */
function lagStatus(facts: ReplicationFacts, nowMs: number, standby: SiteId): LagStatus {
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

/** Signals, vantages and observations of the simulated world: the sandbox's, in miniature. */
import {
  type Observation,
  type Signal,
  type SignalKind,
  type SiteId,
  type Status,
  type Vantage,
  defaultPoints,
  hasCode,
} from "@cloudphoenix/core";
import type { ObservationListener, ObservationSource } from "@cloudphoenix/engine";
import { SIMULATED_APPLICATION } from "./simulated-application.ts";
import { type SimulatedWorld, answers } from "./simulated-world.ts";

export const SIMULATED_VANTAGES: readonly Vantage[] = [
  { id: "control", site: null, cloud: null, failureDomain: "control" },
  { id: "internet", site: null, cloud: null, failureDomain: "internet" },
  { id: "aws", site: "aws-us-east-1", cloud: "aws", failureDomain: "aws" },
  { id: "azure", site: "azure-westeurope", cloud: "azure", failureDomain: "azure" },
];

/** The same five questions about each site; the cross-cloud one is asked from the other cloud. */
export const SIMULATED_SIGNALS: readonly Signal[] = SIMULATED_APPLICATION.sites.flatMap(
  ({ id, cloud }) => [
    signal("service-health", id, "control"),
    signal("external-uptime", id, "internet"),
    signal("cross-cloud", id, cloud === "aws" ? "azure" : "aws"),
    signal("load-balancer", id, cloud),
    signal("replication-lag", id, "control"),
  ],
);

function signal(kind: SignalKind, site: SiteId, vantage: string): Signal {
  return {
    id: `${site}-${kind}`,
    kind,
    site,
    vantages: [vantage],
    intervalMs: 1_000,
    timeoutMs: 500,
    freshnessMs: 3_500,
    points: defaultPoints(kind),
  };
}

/**
 * Asks every question but replication once per interval. `blind` holds vantages whose canary is
 * red: to them everything looks dead, as it would to a monitor without a network.
 */
export function simulatedObservations(
  world: SimulatedWorld,
  blind: ReadonlySet<string>,
): ObservationSource {
  const stopped = new AbortController();
  let loop: Promise<void> = Promise.resolve();
  return {
    start(listener) {
      loop = watch(world, blind, listener, stopped.signal);
    },
    async stop() {
      stopped.abort();
      await loop;
    },
  };
}

async function watch(
  world: SimulatedWorld,
  blind: ReadonlySet<string>,
  listener: ObservationListener,
  stopped: AbortSignal,
): Promise<void> {
  const { clock } = world;
  while (!stopped.aborted) {
    const atMs = clock.now();
    for (const { id, site } of SIMULATED_VANTAGES) {
      // An agent in a dead or isolated site reports nothing at all.
      if (site !== null && world.site(site).condition !== "alive") continue;
      listener.sighted({ vantage: id, atMs, sees: !blind.has(id) });
      for (const question of SIMULATED_SIGNALS) {
        if (question.kind === "replication-lag" || !question.vantages.includes(id)) continue;
        const seen = blind.has(id) ? unreachable : answerTo(world, question);
        listener.observed(observation(question, id, atMs, seen));
      }
    }
    try {
      await clock.sleep(1_000, stopped);
    } catch (error) {
      if (!hasCode(error, "ABORTED")) throw error;
    }
  }
}

interface Seen {
  readonly status: Status;
  readonly detail: string;
}

const unreachable: Seen = { status: "unhealthy", detail: "no answer within 500 ms" };

function answerTo(world: SimulatedWorld, { kind, site: id }: Signal): Seen {
  const site = world.site(id);
  const pods = site.workloads["orders"] ?? { desired: 0, ready: 0 };
  if (kind === "load-balancer") {
    if (pods.ready >= pods.desired) return { status: "healthy", detail: "every target is ready" };
    return { status: "unhealthy", detail: `${pods.ready} of ${pods.desired} targets are ready` };
  }
  if (!answers(site) || pods.ready === 0) return unreachable;
  if (kind !== "service-health") return { status: "healthy", detail: "alive" };
  if (!site.database.running)
    return { status: "unhealthy", detail: "database: connection refused" };
  if (pods.ready < pods.desired) return { status: "degraded", detail: "a replica is down" };
  return { status: "healthy", detail: "healthy" };
}

function observation(
  { id }: Signal,
  vantage: string,
  atMs: number,
  { status, detail }: Seen,
): Observation {
  return { signal: id, vantage, atMs, status, detail, latencyMs: 1 };
}

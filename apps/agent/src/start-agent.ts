/** Puts an agent together: probes of one vantage, the lease of its site, and the API on both. */
import type { Configuration, HostPort } from "@cloudphoenix/config";
import { DnsConvergenceProbe, TtlResolver } from "@cloudphoenix/adapter-dns";
import { ProbeWheel } from "@cloudphoenix/adapter-probe";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import type { LeaseRound } from "@cloudphoenix/engine";
import { AgentMetrics } from "./agent-metrics.ts";
import { agentServer } from "./agent-server.ts";
import { openLeaseOffice } from "./lease/lease-office.ts";
import { ObservationLog } from "./observation-log.ts";
import { steadyClock, systemRandom } from "./system-clock.ts";
import { probesOf } from "./vantage-probes.ts";

/** Longest that an unchanged answer of a probe waits for others, to be handed out together. */
const BATCH_MAX_MS = 500;

export interface AgentSettings {
  readonly configuration: Configuration;
  readonly vantage: string;
  /** Port 0 lets the system choose. */
  readonly listen: HostPort;
  readonly token: string;
  /** Told of failures of the agent itself. @default ignores them */
  readonly onTrouble?: (error: unknown) => void;
  /** Told when keeping the lease comes to something else than before. @default ignores it */
  readonly onLease?: (round: LeaseRound) => void;
}

export interface RunningAgent {
  readonly port: number;
  /** Signals and canaries it asks. */
  readonly targets: number;
  /** Stops asking, answers held questions, closes. Idempotent. */
  close(): Promise<void>;
}

/** @throws {CloudPhoenixError} `CONFIG_INVALID` for an unknown vantage, `PORT_TAKEN` */
export async function startAgent(settings: AgentSettings): Promise<RunningAgent> {
  const { configuration, vantage, listen, token, onTrouble = () => {} } = settings;
  const { targets, canaries } = probesOf(configuration, vantage);
  const clock = steadyClock;
  const random = systemRandom;
  const log = new ObservationLog(clock, batchMsOf(targets.map(({ intervalMs }) => intervalMs)));
  const wheel = new ProbeWheel({ targets, canaries, clock, random });
  const { name, port, server: dns } = configuration.traffic;
  const resolver = new TtlResolver({ server: dns, clock, random });
  const convergence = new DnsConvergenceProbe({ vantage, resolver, name, port });
  const stopping = new AbortController();
  const metrics = (): ReturnType<ProbeWheel["metrics"]> => wheel.metrics();
  const office = openLeaseOffice({
    configuration,
    vantage,
    clock,
    onChange: settings.onLease ?? (() => {}),
  });
  const exposed = new AgentMetrics(
    { application: configuration.application.name, vantage },
    {
      probes: metrics,
      certificates: () => wheel.certificates(),
      lease: office === null ? null : () => office.view(),
    },
  );
  const server = agentServer({
    exposition: () => exposed.text(),
    office,
    token,
    log,
    convergence,
    metrics,
    stopping: stopping.signal,
    onTrouble,
  });
  const listening = await open(
    () => server.listen({ host: listen.host, port: listen.port }),
    listen,
  ).catch(async (error: unknown) => {
    exposed.close();
    await office?.close();
    throw error;
  });
  wheel.start(log);
  return {
    port: Number(new URL(listening).port),
    targets: targets.length + canaries.reduce((sum, group) => sum + group.urls.length, 0),
    close: async () => {
      stopping.abort();
      await Promise.all([wheel.stop(), server.close(), office?.close()]);
      exposed.close();
    },
  };
}

/** Half an interval of the most urgent signal: less than its freshness limit leaves room for. */
function batchMsOf(intervalsMs: readonly number[]): number {
  return Math.min(BATCH_MAX_MS, ...intervalsMs.map((intervalMs) => intervalMs / 2));
}

async function open(listenOnce: () => Promise<string>, at: HostPort): Promise<string> {
  try {
    return await listenOnce();
  } catch (cause) {
    const text = `the agent cannot listen on ${at.host}:${at.port}: ${messageOf(cause)}`;
    throw new CloudPhoenixError("PORT_TAKEN", text, {
      retryable: false,
      hint: "Choose another --listen address or stop what listens there.",
      cause,
    });
  }
}

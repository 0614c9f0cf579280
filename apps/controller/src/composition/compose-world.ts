/** Wires the adapters to the configuration. Wiring only: nothing here decides or waits. */

import { DnsConvergenceProbe, Rfc2136TrafficSwitch, TtlResolver } from "@cloudphoenix/adapter-dns";
import {
  LocalDatabaseHost,
  LocalNetworkFencer,
  LocalWorkloadControl,
  LocalWorkloadFencer,
} from "@cloudphoenix/adapter-local";
import { FanOutNotifier, LogNotifier, WebhookNotifier } from "@cloudphoenix/adapter-notify";
import { PostgresReplication } from "@cloudphoenix/adapter-postgres";
import {
  AgentConvergenceProbe,
  AgentObservationSource,
  ProbeWheel,
} from "@cloudphoenix/adapter-probe";
import { type Configuration, readSecretFile } from "@cloudphoenix/config";
import type { SiteId } from "@cloudphoenix/core";
import {
  type Clock,
  type ConvergenceProbe,
  type FactStore,
  type LeaseWitness,
  type Notifier,
  type ObservationSource,
  objectSignal,
  type Random,
  replicationSignal,
  type StepPorts,
  Watch,
  type WorkQueue,
} from "@cloudphoenix/engine";
import type { CopiedVersions } from "@cloudphoenix/objects";
import type { Environment } from "@cloudphoenix/stores";
import type { Logger } from "pino";
import { HttpSiteEntry } from "./http-site-entry.ts";
import { canaryGroups, probeTargets } from "./probe-plan.ts";
import { type ObjectPieces, objectPieces } from "./object-pieces.ts";
import type { Secrets } from "./secrets.ts";
import { type LeaseParts, leaseParts } from "./writer-lease-parts.ts";

export interface WorldOptions {
  readonly configuration: Configuration;
  readonly secrets: Secrets;
  /** The one all controllers share: what is an instant to one is the same to the next. */
  readonly clock: Clock;
  /** For the lease: its waits are differences of this machine's time, and nothing may shorten them. */
  readonly ownClock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The site that is active now, as the roles say. */
  readonly active: SiteId;
  /** Keeps the writer lease, where one is configured. */
  readonly witness: LeaseWitness;
  /** Where whoever copies objects tells of it, and is asked for more; and what the next leader must know. */
  readonly facts: FactStore;
  readonly copiedVersions: CopiedVersions;
  readonly work: WorkQueue;
  readonly environment: Environment;
}

/** Everything outside the controller, behind the engine's ports. Connects to nobody yet. */
export interface World {
  readonly ports: Omit<StepPorts, "runs" | "facts">;
  readonly postgres: PostgresReplication;
  readonly watch: Watch;
  readonly wheel: ProbeWheel;
  /** Null where no writer lease is configured. */
  readonly lease: LeaseParts | null;
  /** Null where the application has no objects. */
  readonly objects: ObjectPieces | null;
}

/** @throws {CloudPhoenixError} `CONFIG_INVALID` for a URL or key an adapter cannot use */
export function composeWorld(options: WorldOptions): World {
  const { configuration, clock } = options;
  const { application, policy, sites } = configuration;
  const postgres = replicationOf(options);
  const lease = leaseParts({ ...options, clock: options.ownClock, stateClock: clock, postgres });
  const endpoints = endpointsOf(options);
  const wheel = wheelOf(options);
  const objects = objectPieces({ ...options, postgres });
  const ports = {
    application,
    policy,
    clock,
    databases: postgres.control,
    replication: postgres.watch,
    databaseHosts: new LocalDatabaseHost({ endpoints }),
    workloads: new LocalWorkloadControl({ endpoints }),
    fencers: [
      postgres.fencer,
      new LocalWorkloadFencer({ endpoints, clock, workloads: application.workloads }),
      ...networkFencers(options),
      ...(lease === null ? [] : [lease.writerLease]),
    ],
    salvage: postgres.salvage,
    objects,
    writerLease: lease?.writerLease ?? null,
    entry: new HttpSiteEntry({ entries: new Map(sites.map(({ id, entry }) => [id, entry.url])) }),
    traffic: trafficOf(options),
    convergence: convergenceOf(options),
    notifier: notifierOf(options),
  };
  const watch = new Watch({
    signals: configuration.signals,
    vantages: configuration.vantages,
    sources: [
      wheel,
      ...agentSources(options),
      lagSource(options, postgres),
      ...backlogSources(options, { postgres, objects }),
    ],
  });
  return { ports, postgres, watch, wheel, lease, objects };
}

function replicationOf({ configuration, clock, active, facts }: WorldOptions): PostgresReplication {
  const sites = configuration.sites.map(({ id, database, keeper }) => ({
    site: id,
    adminUrl: database.url,
    // Read at every connection, so that passwords can be rotated.
    adminPassword: () => readSecretFile(database.passwordFile),
    peerUrl: database.peerUrl,
    peerPassword: () => readSecretFile(database.peerPasswordFile),
    applicationRole: database.applicationRole,
    agentRole: keeper === null ? null : decodeURIComponent(new URL(keeper.databaseUrl).username),
  }));
  const { durability } = configuration.replication;
  return new PostgresReplication(
    { application: configuration.application.name, sites, durability, clock, facts },
    active,
  );
}

function endpointsOf({
  configuration,
  secrets,
}: WorldOptions): ReadonlyMap<SiteId, { readonly url: string; readonly token: string }> {
  return new Map(
    configuration.sites.map(({ id, provider }) => [
      id,
      { url: provider.url, token: secrets.providerTokens.get(id) ?? "" },
    ]),
  );
}

function networkFencers({ configuration, secrets }: WorldOptions): readonly LocalNetworkFencer[] {
  const { networkFence } = configuration;
  if (networkFence === null || secrets.networkToken === null) return [];
  const endpoint = { url: networkFence.url, token: secrets.networkToken };
  return [new LocalNetworkFencer({ endpoint })];
}

function trafficOf({ configuration, secrets, clock, random }: WorldOptions): Rfc2136TrafficSwitch {
  const { server, zone, name, ttlMs, tsig } = configuration.traffic;
  return new Rfc2136TrafficSwitch({
    server,
    zone,
    name,
    ttlMs,
    key: { name: tsig.name, algorithm: tsig.algorithm, secret: secrets.tsig },
    addresses: Object.fromEntries(configuration.sites.map(({ id, entry }) => [id, entry.address])),
    clock,
    random,
  });
}

/** Agents see what users see; without any, the controller itself resolves and connects. */
function convergenceOf({ configuration, secrets, clock, random }: WorldOptions): ConvergenceProbe {
  const agents = configuration.vantages.flatMap(({ id, agent }) =>
    agent === null
      ? []
      : [{ vantage: id, agent: { url: agent.url, token: secrets.agentTokens.get(id) ?? "" } }],
  );
  if (agents.length > 0) return new AgentConvergenceProbe({ agents });
  const { server, name, port } = configuration.traffic;
  const resolver = new TtlResolver({ server, clock, random });
  return new DnsConvergenceProbe({ vantage: "controller", resolver, name, port });
}

function wheelOf({ configuration, clock, random }: WorldOptions): ProbeWheel {
  return new ProbeWheel({
    targets: probeTargets(configuration),
    canaries: canaryGroups(configuration),
    clock,
    random,
  });
}

function agentSources({
  configuration,
  secrets,
  clock,
  random,
  log,
}: WorldOptions): readonly ObservationSource[] {
  return configuration.vantages.flatMap(({ id, agent }) => {
    if (agent === null) return [];
    return new AgentObservationSource({
      vantage: id,
      agent: { url: agent.url, token: secrets.agentTokens.get(id) ?? "" },
      signals: configuration.signals
        .filter((signal) => signal.vantages.includes(id))
        .map((signal) => signal.id),
      clock,
      random,
      onTrouble: (error) => {
        if (error === null) log.info({ vantage: id }, "the agent is back");
        else
          log.warn({ vantage: id, code: error.code, detail: error.message }, "the agent is lost");
      },
    });
  });
}

function lagSource(
  { configuration, clock }: WorldOptions,
  postgres: PostgresReplication,
): ObservationSource {
  return replicationSignal({
    clock,
    watch: postgres.watch,
    signals: configuration.signals,
    sites: configuration.sites.map(({ id }) => id),
    active: () => postgres.watch.active,
  });
}

function backlogSources(
  { configuration, clock }: WorldOptions,
  { postgres, objects }: Pick<World, "postgres" | "objects">,
): readonly ObservationSource[] {
  if (objects === null || configuration.objects === null) return [];
  return [
    objectSignal({
      clock,
      watch: objects.watch,
      signals: configuration.signals,
      sites: configuration.sites.map(({ id }) => id),
      active: () => postgres.watch.active,
      rpoMs: configuration.objects.rpoMs,
    }),
  ];
}

function notifierOf({ secrets, clock, random, log }: WorldOptions): Notifier {
  const webhooks = secrets.webhooks.map(
    (url, index) => new WebhookNotifier({ name: `notify[${index}]`, url, clock, random }),
  );
  return new FanOutNotifier({
    receivers: webhooks,
    alongside: new LogNotifier(log),
    onFailure: (error, notice) => {
      log.warn({ err: error, notice: notice.key }, "a receiver could not be told");
    },
  });
}

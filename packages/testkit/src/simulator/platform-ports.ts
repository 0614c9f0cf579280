/** Workloads, network control, entries, traffic and notices as one controller reaches them. */
import {
  CloudPhoenixError,
  type FenceProof,
  type SiteId,
  messageOf,
  unprovenBecause,
} from "@cloudphoenix/core";
import type {
  ConvergenceProbe,
  DatabaseControl,
  Fencer,
  Notifier,
  SiteEntry,
  TrafficState,
  TrafficSwitch,
  WorkloadControl,
} from "@cloudphoenix/engine";
import { stale } from "./database.ts";
import { databaseFencer } from "../simulated-platform.ts";
import { acceptAtPlatform } from "./database-ports.ts";
import type { Process } from "./process.ts";
import { type Site, serves } from "./sites.ts";
import type { World } from "./world.ts";

/** How long pods take to become ready. */
const POD_START_MS = 300;
const QUICK_POD_START_MS = 5;

/** How long the real clients of these things wait for an answer. */
const API_LIMIT_MS = 1_000;
const ENTRY_LIMIT_MS = 1_500;
const AGENT_LIMIT_MS = 3_000;

export function workloadControl(world: World, client: Process): WorkloadControl {
  const ask = <T>(
    { id, workload, signal }: { id: SiteId; workload: string; signal: AbortSignal },
    effect: (site: Site) => T,
  ): Promise<T> => {
    const site = world.site(id);
    return world.network.call({
      from: client,
      to: site.provider,
      signal,
      limitMs: API_LIMIT_MS,
      effect: () => {
        const known = world.settings.application.workloads.some(({ name }) => name === workload);
        if (!known) throw noWorkload(workload, id);
        return effect(site);
      },
    });
  };
  const started = ({ entry }: Site, ready: () => void): void => {
    entry.after(world.settings.quick ? QUICK_POD_START_MS : POD_START_MS, ready);
  };
  return {
    inspect: (id, workload, signal) =>
      ask({ id, workload, signal }, ({ pods, entry }) => {
        const ready = entry.up ? pods.ready : 0;
        const missing = Math.max(0, pods.desired - ready);
        const troubles = Array.from({ length: missing }, () => "a replica is not ready");
        return { desired: pods.desired, ready, troubles };
      }),
    scale: (id, workload, { replicas, generation }, signal) =>
      ask({ id, workload, signal }, (site) => {
        acceptAtPlatform(world, site, generation);
        const { pods } = site;
        const added = replicas - pods.desired;
        pods.desired = replicas;
        pods.ready = Math.min(pods.ready, replicas);
        // What was down before stays down: only a restart replaces it.
        if (added <= 0) return;
        started(site, () => {
          pods.ready = Math.min(pods.desired, pods.ready + added);
        });
      }),
    restart: (id, workload, { generation }, signal) =>
      ask({ id, workload, signal }, (site) => {
        acceptAtPlatform(world, site, generation);
        started(site, () => {
          site.pods.ready = site.pods.desired;
        });
      }),
  };
}

function noWorkload(name: string, site: SiteId): CloudPhoenixError {
  return new CloudPhoenixError("NOT_FOUND", `there is no workload ${name} at ${site}`, {
    retryable: false,
  });
}

/** The database itself, and the network control outside every site. */
export function explicitFencers(
  world: World,
  client: Process,
  databases: DatabaseControl,
): readonly Fencer[] {
  return [databaseFencer(databases), networkFencer(world, client)];
}

function networkFencer(world: World, client: Process): Fencer {
  const means = "network";
  const ask = <T>(id: SiteId, signal: AbortSignal, effect: (site: Site) => T): Promise<T> =>
    world.network.call({
      from: client,
      to: world.edge,
      signal,
      limitMs: API_LIMIT_MS,
      effect: () => effect(world.site(id)),
    });
  const set = (id: SiteId, on: boolean, generation: number, signal: AbortSignal): Promise<void> =>
    ask(id, signal, ({ fence }) => {
      if (generation < fence.generation && !world.sabotages.has("ignore-generation")) {
        throw stale(`the network of ${id}`, generation, fence.generation);
      }
      world.truth.changed(`the network of ${id}`, generation, fence.generation);
      fence.generation = generation;
      world.setFence(id, on);
    });
  const shut: FenceProof = { means, degree: "network", detail: "every way in is shut" };
  return {
    means,
    async fence(id, generation, signal) {
      try {
        await set(id, true, generation, signal);
        const read = await ask(id, signal, ({ fence }) => ({ ...fence }));
        if (read.on && read.generation >= generation) return shut;
        return { means, degree: "unproven", detail: `${id} was opened at ${read.generation}` };
      } catch (error) {
        return unprovenBecause(means, error);
      }
    },
    unfence: (id, generation, signal) => set(id, false, generation, signal),
    async forecast(id, signal) {
      try {
        await ask(id, signal, () => null);
        return { ...shut, detail: "every way in can be shut" };
      } catch (error) {
        return unprovenBecause(means, error);
      }
    },
  };
}

export function siteEntry(world: World, client: Process): SiteEntry {
  return {
    async check(id, expect, signal) {
      try {
        return await world.network.call({
          from: client,
          to: world.site(id).entry,
          signal,
          limitMs: ENTRY_LIMIT_MS,
          effect: () => conditionOf(world.site(id), expect),
        });
      } catch (error) {
        if (signal.aborted) throw error;
        return { status: "unhealthy", detail: messageOf(error) };
      }
    },
  };
}

/** What the application of a site says to whoever asks it. */
function conditionOf(
  site: Site,
  expect: "standing-by" | "serving",
): { readonly status: "healthy" | "unhealthy"; readonly detail: string } {
  const { database } = site;
  if (!serves(site) || !database.process.running) {
    return { status: "unhealthy", detail: "not serving" };
  }
  const takesWrites = database.refusal() === null;
  if (takesWrites === (expect === "serving")) {
    return { status: "healthy", detail: database.role };
  }
  return { status: "unhealthy", detail: takesWrites ? "writes open" : "writes refused" };
}

export function trafficSwitch(world: World, client: Process): TrafficSwitch {
  const read = (): TrafficState => {
    const { site, generation } = world.dns;
    return { site, generation, ttlMs: world.dns.ttlMs, answer: `points at ${site}` };
  };
  return {
    capabilities: { compareAndSwap: true, propagationMs: 0 },
    read: (signal) => world.network.call({ from: client, to: world.edge, signal, effect: read }),
    switchTo: (site, generation, signal) =>
      world.network.call({
        from: client,
        to: world.edge,
        signal,
        effect: () => {
          const stored = world.dns.generation;
          if (generation < stored && !world.sabotages.has("ignore-generation")) {
            throw stale("the traffic record", generation, stored);
          }
          world.truth.changed("the traffic record", generation, stored);
          world.dns.generation = generation;
          world.dns.site = site;
          world.truth.note(`traffic goes to ${site} for ${generation}`);
          return read();
        },
      }),
  };
}

/** Asks the agent outside which site it ends up at. */
export function convergenceProbe(world: World, client: Process): ConvergenceProbe {
  const vantage = "internet";
  return {
    async sample(signal) {
      try {
        return await world.network.call({
          from: client,
          to: world.internet,
          signal,
          limitMs: AGENT_LIMIT_MS,
          effect: () => {
            const site = world.site(world.dns.site);
            const reached =
              world.network.isOpen(world.internet.name, site.entry.name) &&
              !site.fence.on &&
              serves(site);
            const detail = reached ? "answered" : "no answer";
            return [{ vantage, site: reached ? site.id : null, detail }];
          },
        });
      } catch (error) {
        return [{ vantage, site: null, detail: messageOf(error) }];
      }
    },
  };
}

export function notifier(world: World): Notifier {
  return {
    async notify(notice) {
      world.truth.note(`notice (${notice.severity}): ${notice.title}`);
    },
  };
}

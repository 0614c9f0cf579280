/** Workloads, network control, entries, traffic and notices as one controller reaches them. */
import type { FenceProof, SiteId } from "@cloudphoenix/core";
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
import { acceptAtPlatform } from "./database-ports.ts";
import type { Process } from "./process.ts";
import { type Site, serves } from "./sites.ts";
import type { World } from "./world.ts";

/** How long pods take to become ready. */
const POD_START_MS = 300;
const QUICK_POD_START_MS = 5;

export function workloadControl(world: World, client: Process): WorkloadControl {
  const ask = <T>(id: SiteId, signal: AbortSignal, effect: (site: Site) => T): Promise<T> => {
    const site = world.site(id);
    return world.network.call({
      from: client,
      to: site.provider,
      signal,
      effect: () => effect(site),
    });
  };
  const becomeReady = (site: Site): void => {
    site.entry.after(world.settings.quick ? QUICK_POD_START_MS : POD_START_MS, () => {
      site.pods.ready = site.pods.desired;
    });
  };
  return {
    inspect: (id, _workload, signal) =>
      ask(id, signal, ({ pods, entry }) => {
        const ready = entry.up ? pods.ready : 0;
        const troubles = ready < pods.desired ? ["a replica is not ready"] : [];
        return { desired: pods.desired, ready, troubles };
      }),
    scale: (id, _workload, { replicas, generation }, signal) =>
      ask(id, signal, (site) => {
        acceptAtPlatform(world, site, generation);
        site.pods.desired = replicas;
        becomeReady(site);
      }),
    restart: (id, _workload, { generation }, signal) =>
      ask(id, signal, (site) => {
        acceptAtPlatform(world, site, generation);
        becomeReady(site);
      }),
  };
}

/** The database itself, and the network control outside every site. */
export function explicitFencers(
  world: World,
  client: Process,
  databases: DatabaseControl,
): readonly Fencer[] {
  const database: Fencer = {
    means: "database",
    fence: (id, generation, signal) => databases.fence(id, generation, signal),
    unfence: (id, generation, signal) => databases.unfence(id, generation, signal),
    async forecast(id, signal) {
      await databases.inspect(id, signal);
      return { means: "database", degree: "confirmed", detail: "the database answers" };
    },
  };
  const set = (id: SiteId, on: boolean, generation: number, signal: AbortSignal): Promise<void> =>
    world.network.call({
      from: client,
      to: world.edge,
      signal,
      effect: () => {
        const { fence } = world.site(id);
        if (generation < fence.generation && !world.sabotages.has("ignore-generation")) {
          throw stale(`the network of ${id}`, generation, fence.generation);
        }
        world.truth.changed(`the network of ${id}`, generation, fence.generation);
        fence.generation = generation;
        world.setFence(id, on);
      },
    });
  const proof: FenceProof = { means: "network", degree: "network", detail: "every way in is shut" };
  const network: Fencer = {
    means: "network",
    async fence(id, generation, signal) {
      await set(id, true, generation, signal);
      return proof;
    },
    unfence: (id, generation, signal) => set(id, false, generation, signal),
    async forecast(_id, signal) {
      await world.network.call({ from: client, to: world.edge, signal, effect: () => null });
      return proof;
    },
  };
  return [database, network];
}

export function siteEntry(world: World, client: Process): SiteEntry {
  return {
    check: (id, expect, signal) => {
      const site = world.site(id);
      return world.network.call({
        from: client,
        to: site.entry,
        signal,
        effect: () => {
          const { database } = site;
          if (!serves(site) || !database.process.running) {
            return { status: "unhealthy", detail: "not serving" } as const;
          }
          const takesWrites = database.refusal() === null;
          if (takesWrites === (expect === "serving")) {
            return { status: "healthy", detail: database.role } as const;
          }
          const detail = takesWrites ? "writes open" : "writes refused";
          return { status: "unhealthy", detail } as const;
        },
      });
    },
  };
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
  return {
    sample: (signal) =>
      world.network.call({
        from: client,
        to: world.internet,
        signal,
        effect: () => {
          const site = world.site(world.dns.site);
          const reached =
            world.network.isOpen(world.internet.name, site.entry.name) &&
            !site.fence.on &&
            serves(site);
          const detail = reached ? "answered" : "no answer";
          return [{ vantage: "internet", site: reached ? site.id : null, detail }];
        },
      }),
  };
}

export function notifier(world: World): Notifier {
  return {
    async notify(notice) {
      world.truth.note(`notice (${notice.severity}): ${notice.title}`);
    },
  };
}

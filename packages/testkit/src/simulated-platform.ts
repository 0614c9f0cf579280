/** Workloads, fences, entry, traffic and notices of the simulated world behind their ports. */
import type { FenceProof, SiteId } from "@cloudphoenix/core";
import type {
  ConvergenceProbe,
  DatabaseControl,
  Fencer,
  Notifier,
  SiteEntry,
  TrafficSwitch,
  WorkloadControl,
} from "@cloudphoenix/engine";
import { accept } from "./simulated-database.ts";
import { type SimulatedWorld, answers } from "./simulated-world.ts";
import type { SimulatedSite, SimulatedWorkload } from "./world-state.ts";

export function simulatedWorkloads(world: SimulatedWorld): WorkloadControl {
  const workloadAt = (site: SiteId, name: string): SimulatedWorkload => {
    const workload = world.site(site).workloads[name];
    if (workload === undefined) throw new RangeError(`no workload ${name} at ${site}`);
    return workload;
  };
  return {
    inspect: (site, name, signal) =>
      world.perform({
        name: `workload ${site}`,
        site,
        signal,
        effect: () => {
          const { desired, ready } = workloadAt(site, name);
          const down = Math.max(0, desired - ready);
          return { desired, ready, troubles: down === 0 ? [] : [`${down} replicas are down`] };
        },
      }),
    scale: (site, name, { replicas, generation }, signal) =>
      world.perform({
        name: `scale ${site}`,
        site,
        signal,
        effect: () => {
          accept(world.site(site).database, generation);
          const workload = workloadAt(site, name);
          workload.desired = replicas;
          workload.ready = roomFor(workload);
        },
      }),
    restart: (site, name, { generation }, signal) =>
      world.perform({
        name: `restart-workload ${site}`,
        site,
        signal,
        effect: () => {
          accept(world.site(site).database, generation);
          const workload = workloadAt(site, name);
          delete workload.crashed;
          workload.ready = roomFor(workload);
        },
      }),
  };
}

/** How many of the desired replicas come up. */
function roomFor({ desired, crashed = 0, homeless = 0 }: SimulatedWorkload): number {
  return Math.max(0, desired - crashed - homeless);
}

/** Two independent means: the database itself, and the network outside the site. */
export function simulatedFencers(
  world: SimulatedWorld,
  databases: DatabaseControl,
): readonly Fencer[] {
  return [databaseFencer(databases), networkFencer(world)];
}

function databaseFencer(databases: DatabaseControl): Fencer {
  return {
    means: "database",
    fence: (site, generation, signal) => databases.fence(site, generation, signal),
    unfence: (site, generation, signal) => databases.unfence(site, generation, signal),
    async forecast(site, signal) {
      await databases.inspect(site, signal);
      return { means: "database", degree: "confirmed", detail: "the database answers" };
    },
  };
}

function networkFencer(world: SimulatedWorld): Fencer {
  const set =
    (name: string, site: SiteId, fenced: boolean, signal: AbortSignal) =>
    (generation: number): Promise<void> =>
      world.perform({
        name: `${name} ${site}`,
        site: null,
        signal,
        effect: () => {
          const { network } = world.site(site);
          accept(network, generation);
          network.fenced = fenced;
        },
      });
  const proof: FenceProof = { means: "network", degree: "network", detail: "every way in is shut" };
  return {
    means: "network",
    async fence(site, generation, signal) {
      await set("shut", site, true, signal)(generation);
      return proof;
    },
    unfence: (site, generation, signal) => set("unshut", site, false, signal)(generation),
    async forecast(_site, signal) {
      await world.perform({ name: "network", site: null, signal, effect: () => null });
      return proof;
    },
  };
}

export function simulatedEntry(world: SimulatedWorld): SiteEntry {
  return {
    check: (id, expect, signal) =>
      world.perform({
        name: `check ${id}`,
        site: id,
        signal,
        effect: () => {
          const site = world.site(id);
          const { running, writesOpen } = site.database;
          if (!running || !serves(site)) return { status: "unhealthy", detail: "not serving" };
          if (writesOpen === (expect === "serving")) return { status: "healthy", detail: "ok" };
          return { status: "unhealthy", detail: writesOpen ? "writes open" : "writes refused" };
        },
      }),
  };
}

export function simulatedTraffic(world: SimulatedWorld): TrafficSwitch {
  const read = (): Awaited<ReturnType<TrafficSwitch["read"]>> => {
    const { site, generation } = world.state.traffic;
    return { site, generation, ttlMs: 1_000, answer: `points at ${site}` };
  };
  return {
    capabilities: { compareAndSwap: true, propagationMs: 0 },
    read: (signal) => world.perform({ name: "resolve", site: null, signal, effect: read }),
    switchTo: (site, generation, signal) =>
      world.perform({
        name: `switch ${site}`,
        site: null,
        signal,
        effect: ({ traffic }) => {
          accept(traffic, generation);
          traffic.site = site;
          return read();
        },
      }),
  };
}

export function simulatedConvergence(world: SimulatedWorld): ConvergenceProbe {
  return {
    sample: (signal) =>
      world.perform({
        name: "converge",
        site: null,
        signal,
        effect: ({ traffic }) => {
          const site = world.site(traffic.site);
          const reached = answers(site) && serves(site) ? traffic.site : null;
          return [{ vantage: "internet", site: reached, detail: reached ?? "no answer" }];
        },
      }),
  };
}

export function simulatedNotifier(world: SimulatedWorld): Notifier {
  return {
    notify: (notice, signal) =>
      world.perform({
        name: "notify",
        site: null,
        signal,
        effect: ({ notices }) => {
          notices[notice.key] = notice.text;
        },
      }),
  };
}

function serves(site: SimulatedSite): boolean {
  return Object.values(site.workloads).some((workload) => workload.ready > 0);
}

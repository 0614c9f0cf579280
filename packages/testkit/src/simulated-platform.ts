/** Workloads, fences, entry, traffic and notices of the simulated world behind their ports. */
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
  TrafficSwitch,
  WorkloadControl,
} from "@cloudphoenix/engine";
import { accept } from "./simulated-database.ts";
import { type SimulatedWorld, answers } from "./simulated-world.ts";
import type { SimulatedSite, SimulatedWorkload } from "./world-state.ts";

/** How long the real clients of these things wait for an answer. */
const API_LIMIT_MS = 1_000;
const ENTRY_LIMIT_MS = 1_500;

export function simulatedWorkloads(world: SimulatedWorld): WorkloadControl {
  const ask = <T>(
    what: string,
    at: { readonly site: SiteId; readonly workload: string; readonly signal: AbortSignal },
    effect: (workload: SimulatedWorkload, site: SimulatedSite) => T,
  ): Promise<T> =>
    world.perform({
      name: `${what} ${at.site}`,
      site: at.site,
      signal: at.signal,
      limitMs: API_LIMIT_MS,
      effect: () => {
        const site = world.site(at.site);
        const workload = site.workloads[at.workload];
        if (workload === undefined) throw noWorkload(at.workload, at.site);
        return effect(workload, site);
      },
    });
  return {
    inspect: (site, workload, signal) =>
      ask("workload", { site, workload, signal }, ({ desired, ready }) => {
        const down = Math.max(0, desired - ready);
        return {
          desired,
          ready,
          troubles: Array.from({ length: down }, () => "a replica is down"),
        };
      }),
    scale: (site, workload, { replicas, generation }, signal) =>
      ask("scale", { site, workload, signal }, (found, { platform }) => {
        accept(platform, generation);
        found.desired = replicas;
        found.ready = roomFor(found);
      }),
    restart: (site, workload, { generation }, signal) =>
      ask("restart-workload", { site, workload, signal }, (found, { platform }) => {
        accept(platform, generation);
        delete found.crashed;
        found.ready = roomFor(found);
      }),
  };
}

function noWorkload(name: string, site: SiteId): CloudPhoenixError {
  return new CloudPhoenixError("NOT_FOUND", `there is no workload ${name} at ${site}`, {
    retryable: false,
  });
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

/** The database of a site as a means, over whatever controls it. */
export function databaseFencer(databases: DatabaseControl): Fencer {
  const means = "database";
  return {
    means,
    fence: (site, generation, signal) => databases.fence(site, generation, signal),
    unfence: (site, generation, signal) => databases.unfence(site, generation, signal),
    async forecast(site, signal) {
      try {
        await databases.inspect(site, signal);
        return { means, degree: "confirmed", detail: "the database answers" };
      } catch (error) {
        return unprovenBecause(means, error);
      }
    },
  };
}

function networkFencer(world: SimulatedWorld): Fencer {
  const means = "network";
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
  const look = (site: SiteId, signal: AbortSignal): Promise<SimulatedSite["network"]> =>
    world.perform({ name: "network", site: null, signal, effect: () => world.site(site).network });
  const shut: FenceProof = { means, degree: "network", detail: "every way in is shut" };
  return {
    means,
    async fence(site, generation, signal) {
      try {
        await set("shut", site, true, signal)(generation);
        const read = await look(site, signal);
        if (read.fenced && read.generation >= generation) return shut;
        return { means, degree: "unproven", detail: `${site} was opened at ${read.generation}` };
      } catch (error) {
        return unprovenBecause(means, error);
      }
    },
    unfence: (site, generation, signal) => set("unshut", site, false, signal)(generation),
    async forecast(site, signal) {
      try {
        await look(site, signal);
        return { ...shut, detail: "every way in can be shut" };
      } catch (error) {
        return unprovenBecause(means, error);
      }
    },
  };
}

export function simulatedEntry(world: SimulatedWorld): SiteEntry {
  return {
    async check(id, expect, signal) {
      try {
        return await world.perform({
          name: `check ${id}`,
          site: id,
          signal,
          limitMs: ENTRY_LIMIT_MS,
          effect: () => {
            const site = world.site(id);
            const { running, writesOpen } = site.database;
            if (!running || !serves(site)) return { status: "unhealthy", detail: "not serving" };
            if (writesOpen === (expect === "serving")) return { status: "healthy", detail: "ok" };
            return { status: "unhealthy", detail: writesOpen ? "writes open" : "writes refused" };
          },
        });
      } catch (error) {
        if (signal.aborted) throw error;
        return { status: "unhealthy", detail: messageOf(error) };
      }
    },
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
  const vantage = "internet";
  return {
    async sample(signal) {
      try {
        return await world.perform({
          name: "converge",
          site: null,
          signal,
          effect: ({ traffic }) => {
            const site = world.site(traffic.site);
            const reached = answers(site) && serves(site) ? traffic.site : null;
            return [{ vantage, site: reached, detail: reached ?? "no answer" }];
          },
        });
      } catch (error) {
        return [{ vantage, site: null, detail: messageOf(error) }];
      }
    },
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

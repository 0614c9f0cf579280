/** Everything there is in one simulated world, wired but not yet alive. */
import type { SiteId } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";
import { type Chance, chanceOf } from "./chance.ts";
import { Database, type DatabaseRules, SOUND_RULES } from "./database.ts";
import { Judge } from "./judge.ts";
import { Network } from "./network.ts";
import { PhaseClock } from "./phases.ts";
import { Process } from "./process.ts";
import { replicate } from "./replication.ts";
import { Scheduler } from "./scheduler.ts";
import type { Settings } from "./settings.ts";
import { EDGE, INTERNET, STATE, type Site, nodesOf } from "./sites.ts";
import { StateServer } from "./state-server.ts";
import { Truth } from "./truth.ts";
import { WakeUps } from "./wake-ups.ts";

/** Where the record points, and for which generation. */
export interface Dns {
  site: SiteId;
  generation: number;
  readonly ttlMs: number;
}

const LOCAL_MS = 0.5;
const REGIONAL_MS = 2;
const WIDE_MS = 15;
const QUICK = 0.1;
/** Clocks of machines that keep time run apart by at most this much. */
const DRIFT_MAX = 0.0002;

export class World {
  readonly settings: Settings;
  readonly sabotages: ReadonlySet<string>;
  readonly scheduler: Scheduler = new Scheduler();
  readonly truth: Truth;
  readonly network: Network;
  readonly state: StateServer;
  readonly internet: Process;
  readonly edge: Process;
  readonly sites: readonly Site[];
  readonly dns: Dns;
  readonly phases: PhaseClock;
  readonly judge: Judge;
  readonly wakeUps: WakeUps;
  /** Processes that a fault keeps down: nothing may start them until it is over. */
  readonly heldDown: Set<Process> = new Set();
  readonly chance: Chance;
  readonly #byId: ReadonlyMap<SiteId, Site>;
  readonly #processes = new Map<string, Process>();
  readonly #fenceLifts = new Map<SiteId, () => void>();

  constructor(settings: Settings, sabotages: ReadonlySet<string>, recording: boolean) {
    const { seed, application } = settings;
    this.settings = settings;
    this.sabotages = sabotages;
    this.chance = chanceOf(seed, "world");
    this.truth = new Truth(this.scheduler, recording);
    const pace = settings.quick ? QUICK : 1;
    this.network = new Network(
      this.scheduler,
      chanceOf(seed, "network"),
      (from, to) => latencyMs(from, to) * pace,
    );
    this.internet = this.newProcess(INTERNET);
    this.edge = this.newProcess(EDGE);
    const home = application.sites[0]?.id ?? "";
    this.dns = { site: home, generation: 1, ttlMs: 1_000 };
    this.sites = application.sites.map((facts) => this.#newSite(facts, facts.id === home));
    this.#byId = new Map(this.sites.map((site) => [site.id, site]));
    this.state = new StateServer({
      process: this.newProcess(STATE),
      network: this.network,
      truth: this.truth,
      observer: () => this.judge,
      sabotages,
      roles: { generation: 1, active: home, claimedBy: null, protected: true },
    });
    this.phases = new PhaseClock();
    this.judge = new Judge(this);
    this.wakeUps = new WakeUps(this.network);
    this.#follow(this.site(home));
  }

  /** @throws {RangeError} if there is no such site */
  site(id: SiteId): Site {
    const site = this.#byId.get(id);
    if (site === undefined) throw new RangeError(`no simulated site ${id}`);
    return site;
  }

  /** The clock of a process made by `newProcess`; null if there is none of that name. */
  clockOf(name: string): Clock | null {
    return this.#processes.get(name)?.clock ?? null;
  }

  /** A process with a clock of its own. */
  newProcess(name: string, offsetMaxMs: number = 400): Process {
    const { chance } = this;
    const offsetMs = chance.between(-offsetMaxMs, offsetMaxMs);
    const drift = (chance.next() * 2 - 1) * DRIFT_MAX;
    const process = new Process(name, this.scheduler, { offsetMs, drift });
    this.#processes.set(name, process);
    return process;
  }

  /** Shuts or opens the ways into and out of a site for everybody outside. */
  setFence(id: SiteId, on: boolean): void {
    const site = this.site(id);
    if (site.fence.on === on) return;
    site.fence.on = on;
    this.#fenceLifts.get(id)?.();
    this.#fenceLifts.delete(id);
    if (!on) return;
    const ways = [`${id}.entry`, `${id}.db`];
    const others = this.sites.filter((one) => one.id !== id).map((one) => `${one.id}.db`);
    const cuts = [
      this.network.cut([INTERNET], ways),
      this.network.cut(others, ways),
      this.network.cut(ways, others),
    ];
    this.#fenceLifts.set(id, () => cuts.forEach((lift) => lift()));
  }

  #newSite(
    facts: { readonly id: SiteId; readonly cloud: string; readonly region: string },
    home: boolean,
  ): Site {
    const { id } = facts;
    const rules: DatabaseRules = {
      ...SOUND_RULES,
      refusesOlderGenerations: !this.sabotages.has("ignore-generation"),
      checksAtCommit: !this.sabotages.has("no-check-at-commit"),
      extendChecksRole: !this.sabotages.has("extend-without-role-check"),
      recordsPromises: !this.sabotages.has("promise-not-recorded"),
    };
    // Database servers of a cloud keep bad time now and then: nothing may depend on it.
    const server = this.newProcess(`${id}.db`, 3_600_000);
    const database = new Database(id, server, this.truth, rules);
    if (home) {
      database.role = "active";
      database.writesOpen = true;
      database.durability = this.settings.durability;
      database.leaseUntilMs = server.readClock() + this.settings.terms.ttlMs;
    }
    return {
      ...facts,
      database,
      agent: this.newProcess(`${id}.agent`),
      entry: this.newProcess(`${id}.entry`),
      provider: this.newProcess(`${id}.provider`),
      pods: { desired: home ? 2 : 1, ready: home ? 2 : 1 },
      flapping: false,
      platformGeneration: 1,
      fence: { on: false, generation: 1 },
    };
  }

  #follow(home: Site): void {
    for (const site of this.sites) {
      if (site === home) continue;
      site.database.follows = { site: home.id, applied: 0, beat: null };
      home.database.confirmed.set(site.id, 0);
      replicate(this.network, home.database, site.database);
    }
  }
}

function latencyMs(from: string, to: string): number {
  if (placeOf(from) === placeOf(to)) return LOCAL_MS;
  return nearState(from) && nearState(to) ? REGIONAL_MS : WIDE_MS;
}

function placeOf(node: string): string {
  return node.split(".")[0] ?? node;
}

/** Controllers and the state database stand in the same region, outside every site. */
function nearState(node: string): boolean {
  return node === STATE || node.startsWith("controller");
}

/** Every node of a world, for faults that pick some. */
export function allNodes(world: World): readonly string[] {
  const controllers = Array.from(
    { length: world.settings.controllers },
    (_, index) => `controller-${index + 1}`,
  );
  return [
    ...controllers,
    STATE,
    INTERNET,
    EDGE,
    ...world.sites.flatMap((site) => nodesOf(site.id)),
  ];
}

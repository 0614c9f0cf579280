// The databases of the simulator pass the same suites as the real adapters.
import {
  type DatabaseControlHarness,
  describeDatabaseControl,
  describeDatabaseHost,
  type LeasedHarness,
} from "@cloudphoenix/testkit";
import { BeatMemory } from "../src/simulator/beat-memory.ts";
import { databaseControl, databaseHost } from "../src/simulator/database-ports.ts";
import type { Process } from "../src/simulator/process.ts";
import { SimulatedReplicationWatch } from "../src/simulator/replication-watch.ts";
import { settingsOf } from "../src/simulator/settings.ts";
import type { Site } from "../src/simulator/sites.ts";
import { World } from "../src/simulator/world.ts";
import { turning } from "./turning.ts";

const A = "aws-us-east-1";
const B = "azure-westeurope";
const LEASE_MS = 600_000;
/** A session that ends gets no answer. */
const ANSWER_LIMIT_MS = 200;

describeDatabaseControl({
  name: "the simulator",
  // A session that falls silent is waited for longest.
  silenceLimitMs: 10_500,
  setup: async () => {
    const harness = open();
    return {
      ...harness,
      // Whatever was promised or has run out, the agent of an active site renews at once.
      write: async (site) => {
        lease(harness.world.site(site));
        return harness.write(site);
      },
    };
  },
  setupLeased: async (): Promise<LeasedHarness> => {
    const harness = open();
    const { world } = harness;
    for (const site of [A, B]) lease(world.site(site));
    return {
      ...harness,
      grantLease: async (id, epoch) => {
        const { database } = world.site(id);
        database.extendLease({ epoch, untilMs: database.process.readClock() + LEASE_MS });
      },
    };
  },
});

describeDatabaseHost({
  name: "the simulator",
  silenceLimitMs: 15_000,
  setup: async () => {
    const world = new World(settingsOf(1), new Set(), false);
    const [client, another] = [world.newProcess("controller-1"), world.newProcess("controller-2")];
    const { id, database, provider } = world.site(A);
    const ways = new Ways(world, [client, another]);
    return {
      host: databaseHost(world, client),
      another: databaseHost(world, another),
      site: id,
      clock: client.clock,
      server: async () => (database.process.up ? `${database.process.incarnation}` : null),
      crash: async () => database.crash(),
      refuse: async () => provider.crash(),
      silence: async () => ways.cut(id, ways.clients, [provider.name]),
      stop: turning(world.scheduler),
    };
  },
});

function lease({ database }: Site): void {
  database.leaseUntilMs = database.process.readClock() + LEASE_MS;
}

function open(): DatabaseControlHarness & { readonly world: World } {
  const world = new World({ ...settingsOf(1), durability: "async" }, new Set(), false);
  const [client, another] = [world.newProcess("controller-1"), world.newProcess("controller-2")];
  const beats = new BeatMemory();
  const over = new AbortController();
  new SimulatedReplicationWatch(world, client, beats, A).start(over.signal);
  const turned = turning(world.scheduler);
  const ways = new Ways(world, [client, another]);
  let writes = 0;
  return {
    world,
    control: databaseControl(world, client, beats),
    another: databaseControl(world, another, new BeatMemory()),
    sites: [A, B],
    clock: client.clock,
    write: async (id) => {
      writes += 1;
      const answer = Promise.withResolvers<boolean>();
      const { database } = world.site(id);
      database.write(writes, ({ kind }) => answer.resolve(kind === "done"));
      return Promise.race([answer.promise, client.clock.sleep(ANSWER_LIMIT_MS).then(() => false)]);
    },
    count: async (id) => {
      const { database } = world.site(id);
      const { promotion, follows } = database;
      const origin = promotion === null ? follows : { ...promotion, site: promotion.from };
      const got = origin === null ? [] : world.site(origin.site).database.log;
      const all = [...got.slice(0, origin?.applied), ...database.log];
      return all.filter(({ write }) => write !== null).length;
    },
    beat: async () => {
      const sinceMs = client.clock.now();
      while ((beats.newest(A) ?? 0) < sinceMs) await client.clock.sleep(20);
    },
    part: async () => ways.cut("replication", [`${A}.db`], [`${B}.db`]),
    meet: async () => ways.heal("replication"),
    crash: async (id) => world.site(id).database.crash(),
    start: async (id) => world.site(id).database.process.start(),
    silence: async (id) => ways.cut(id, ways.clients, [`${id}.db`]),
    speak: async (id) => ways.heal(id),
    spoilCopy: async () => {
      world.site(B).database.copyComplete = false;
    },
    stop: async () => {
      over.abort();
      await turned();
    },
  };
}

/** Ways through the network that a test has cut, both directions at once. */
class Ways {
  readonly clients: readonly string[];
  readonly #world: World;
  readonly #cuts = new Map<string, () => void>();

  constructor(world: World, clients: readonly Process[]) {
    this.#world = world;
    this.clients = clients.map(({ name }) => name);
  }

  cut(name: string, from: readonly string[], to: readonly string[]): void {
    const { network } = this.#world;
    const lifts = [network.cut(from, to), network.cut(to, from)];
    this.#cuts.set(name, () => lifts.forEach((lift) => lift()));
  }

  heal(name: string): void {
    this.#cuts.get(name)?.();
    this.#cuts.delete(name);
  }
}

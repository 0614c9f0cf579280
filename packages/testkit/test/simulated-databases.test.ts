// The databases of the simulated world pass the same suite as the real adapter.
import { setImmediate as turn } from "node:timers/promises";
import {
  describeDatabaseControl,
  describeDatabaseHost,
  heartbeatsOf,
  simulatedDatabaseHost,
  simulatedDatabases,
  SimulatedWorld,
  VirtualClock,
} from "@cloudphoenix/testkit";

const A = "aws-us-east-1";
const B = "azure-westeurope";
const FOREVER = new AbortController().signal;

describeDatabaseControl({
  name: "of the simulated world",
  silenceLimitMs: 1_500,
  setupLeased: null,
  setup: async () => {
    const clock = new VirtualClock();
    const world = new SimulatedWorld(clock);
    const stop = turning(clock);
    return {
      control: simulatedDatabases(world),
      another: simulatedDatabases(world),
      sites: [A, B],
      clock,
      write: (site) =>
        world.perform({
          name: `write ${site}`,
          site,
          signal: FOREVER,
          effect: () => {
            const { writesOpen, commitsAtMs } = world.site(site).database;
            if (writesOpen) commitsAtMs.push(clock.now());
            return writesOpen;
          },
        }),
      count: async (site) => {
        world.replicate();
        const { follows, promotedFrom, commitsAtMs } = world.site(site).database;
        const origin = follows ?? promotedFrom;
        const { appliedAtMs } = heartbeatsOf(world, site);
        const got = origin === null ? [] : world.site(origin).database.commitsAtMs;
        return got.filter((atMs) => atMs <= appliedAtMs).length + commitsAtMs.length;
      },
      beat: async () => world.replicate(),
      part: async () => strike((state) => (state.replication.stalled = true)),
      meet: async () => strike((state) => (state.replication.stalled = false)),
      crash: async (site) => strike(() => (world.site(site).database.running = false)),
      start: async (site) => strike(() => (world.site(site).database.running = true)),
      silence: async (site) => strike(() => (world.site(site).condition = "isolated")),
      speak: async (site) => strike(() => (world.site(site).condition = "alive")),
      spoilCopy: async () => strike(() => (world.site(B).database.copyComplete = false)),
      stop,
    };

    function strike(change: Parameters<SimulatedWorld["strike"]>[0]): void {
      world.strike(change);
    }
  },
});

describeDatabaseHost({
  name: "of the simulated world",
  silenceLimitMs: 15_000,
  setup: async () => {
    const clock = new VirtualClock();
    const world = new SimulatedWorld(clock);
    const site = world.site(A);
    // It stands or falls with its site: a platform that refuses connections is not simulated.
    const isolate = async (): Promise<void> => {
      site.condition = "isolated";
    };
    return {
      host: simulatedDatabaseHost(world),
      another: simulatedDatabaseHost(world),
      site: A,
      clock,
      server: async () => (site.database.running ? "the only one" : null),
      crash: async () => {
        site.database.running = false;
      },
      refuse: isolate,
      silence: isolate,
      stop: turning(clock),
    };
  },
});

/** Lets virtual time go on by itself until the result is called. */
function turning(clock: VirtualClock): () => Promise<void> {
  const stop = new AbortController();
  const going = (async () => {
    while (!stop.signal.aborted) {
      await clock.advance(10);
      await turn();
    }
  })();
  return async () => {
    stop.abort();
    await going;
  };
}

// The simulated world of the engine's tests keeps the promises of the ports its plans act through.
import type { Fencer } from "@cloudphoenix/engine";
import {
  type OutOfReach,
  type SimulatedSite,
  SimulatedWorld,
  VirtualClock,
  describeConvergenceProbe,
  describeFencer,
  describeSiteEntry,
  describeWorkloadControl,
  simulatedConvergence,
  simulatedDatabases,
  simulatedEntry,
  simulatedFencers,
  simulatedWorkloads,
} from "@cloudphoenix/testkit";

const SITES = ["aws-us-east-1", "azure-westeurope"] as const;
const [HOME] = SITES;
const STEP_MS = 10;

interface Ground {
  readonly world: SimulatedWorld;
  readonly home: SimulatedSite;
  /** Makes these operations fail from now on, or nothing answer at the home site. */
  readonly lose: (how: OutOfReach, operations: readonly string[]) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** A world in which time goes on by itself. */
function ground(): Ground {
  const clock = new VirtualClock();
  const world = new SimulatedWorld(clock);
  const home = world.site(HOME);
  const stopping = new AbortController();
  const going = (async () => {
    while (!stopping.signal.aborted) await clock.advance(STEP_MS);
  })();
  return {
    world,
    home,
    async lose(how, operations) {
      if (how === "silent") home.condition = "isolated";
      else for (const operation of operations) world.inject(failing(operation));
    },
    async stop() {
      stopping.abort();
      await going;
    },
  };
}

function failing(operation: string): Parameters<SimulatedWorld["inject"]>[0] {
  return { operation, how: "before", times: Number.POSITIVE_INFINITY };
}

/** The means of that name, each time as another controller has it. */
function means(world: SimulatedWorld, name: string): Fencer {
  const found = simulatedFencers(world, simulatedDatabases(world)).find(
    (fencer) => fencer.means === name,
  );
  if (found === undefined) throw new RangeError(`no means ${name}`);
  return found;
}

describeFencer({
  name: "the simulated world's database",
  degree: "confirmed",
  setup: async () => {
    const { world, home, lose, stop } = ground();
    const operations = ["fence", "unfence", "inspect"].map((what) => `${what} ${HOME}`);
    return {
      fencer: means(world, "database"),
      another: means(world, "database"),
      site: HOME,
      generation: 1,
      writersPass: async () => home.database.writesOpen,
      lose: (how) => lose(how, operations),
      stop,
    };
  },
});

describeFencer({
  name: "the simulated world's network",
  degree: "network",
  // What controls the network stands outside every site and is never silent here.
  losses: ["refusing"],
  setup: async () => {
    const { world, home, lose, stop } = ground();
    return {
      fencer: means(world, "network"),
      another: means(world, "network"),
      site: HOME,
      generation: 1,
      writersPass: async () => !home.network.fenced,
      lose: (how) => lose(how, [`shut ${HOME}`, `unshut ${HOME}`, "network"]),
      stop,
    };
  },
});

describeWorkloadControl({
  name: "the simulated world",
  setup: async () => {
    const { world, home, lose, stop } = ground();
    const operations = ["workload", "scale", "restart-workload"].map((what) => `${what} ${HOME}`);
    return {
      control: simulatedWorkloads(world),
      another: simulatedWorkloads(world),
      site: HOME,
      workload: "orders",
      generation: 1,
      breakReplica: async () => {
        home.workloads["orders"] = { desired: 2, ready: 1, crashed: 1 };
      },
      lose: (how) => lose(how, operations),
      stop,
    };
  },
});

describeSiteEntry({
  name: "the simulated world",
  setup: async () => {
    const { world, home, lose, stop } = ground();
    return {
      entry: simulatedEntry(world),
      site: HOME,
      setWrites: async (open) => {
        home.database.writesOpen = open;
      },
      fail: async () => {
        home.workloads["orders"] = { desired: 2, ready: 0 };
      },
      lose: (how) => lose(how, [`check ${HOME}`]),
      stop,
    };
  },
});

describeConvergenceProbe({
  name: "the simulated world",
  // The vantage stands outside every site and is never silent here.
  losses: ["refusing"],
  setup: async () => {
    const { world, home, lose, stop } = ground();
    return {
      probe: simulatedConvergence(world),
      vantages: ["internet"],
      sites: SITES,
      lead: async (to) => {
        world.state.traffic.site = to;
      },
      shut: async () => {
        home.network.fenced = true;
      },
      blind: (how) => lose(how, ["converge"]),
      stop,
    };
  },
});

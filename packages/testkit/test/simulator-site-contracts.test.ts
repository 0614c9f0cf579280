// What the simulator's plans act through at sites passes the same suites as the real adapters.
import type { FenceDegree } from "@cloudphoenix/core";
import {
  type OutOfReach,
  describeConvergenceProbe,
  describeFencer,
  describeSiteEntry,
  describeWorkloadControl,
} from "@cloudphoenix/testkit";
import { BeatMemory } from "../src/simulator/beat-memory.ts";
import { databaseControl } from "../src/simulator/database-ports.ts";
import {
  convergenceProbe,
  explicitFencers,
  siteEntry,
  workloadControl,
} from "../src/simulator/platform-ports.ts";
import type { Process } from "../src/simulator/process.ts";
import { settingsOf } from "../src/simulator/settings.ts";
import type { Site } from "../src/simulator/sites.ts";
import { World } from "../src/simulator/world.ts";
import { turning } from "./turning.ts";

const SITES = ["aws-us-east-1", "azure-westeurope"] as const;
const [HOME] = SITES;
const CONTROLLERS = ["controller-1", "controller-2"] as const;

interface Ground {
  readonly world: World;
  readonly home: Site;
  readonly controllers: readonly [Process, Process];
  /** `process` answers no controller from now on. */
  readonly lose: (how: OutOfReach, process: Process) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** A calm world in which time goes on by itself and the lease of the home site never runs out. */
function ground(): Ground {
  const world = new World(settingsOf(1), new Set(), false);
  const home = world.site(HOME);
  home.database.leaseUntilMs = Number.POSITIVE_INFINITY;
  const [first, second] = CONTROLLERS;
  return {
    world,
    home,
    controllers: [world.newProcess(first), world.newProcess(second)],
    lose: async (how, process) => {
      if (how === "refusing") process.crash();
      else world.network.cut(CONTROLLERS, [process.name]);
    },
    stop: turning(world.scheduler),
  };
}

interface Means {
  readonly name: string;
  readonly degree: Exclude<FenceDegree, "unproven">;
  readonly place: (ground: Ground) => Process;
  readonly writersPass: (ground: Ground) => boolean;
}

const MEANS: readonly Means[] = [
  {
    name: "database",
    degree: "confirmed",
    place: ({ home }) => home.database.process,
    writersPass: ({ home: { database } }) => {
      // A fence ends the lease, too; its agent would renew it.
      database.leaseUntilMs = Number.POSITIVE_INFINITY;
      return database.refusal() === null;
    },
  },
  {
    name: "network",
    degree: "network",
    place: ({ world }) => world.edge,
    writersPass: ({ world, home }) => world.network.isOpen(world.internet.name, home.entry.name),
  },
];

for (const [index, { name, degree, place, writersPass }] of MEANS.entries()) {
  describeFencer({
    name: `the simulator's ${name}`,
    degree,
    setup: async () => {
      const here = ground();
      const [fencer, another] = here.controllers.map((client) => {
        const databases = databaseControl(here.world, client, new BeatMemory());
        return explicitFencers(here.world, client, databases)[index];
      });
      if (fencer === undefined || another === undefined) throw new RangeError(`no ${name}`);
      return {
        fencer,
        another,
        site: HOME,
        generation: 1,
        writersPass: async () => writersPass(here),
        lose: (how) => here.lose(how, place(here)),
        stop: here.stop,
      };
    },
  });
}

describeWorkloadControl({
  name: "the simulator",
  setup: async () => {
    const { world, home, controllers, lose, stop } = ground();
    const [client, second] = controllers;
    return {
      control: workloadControl(world, client),
      another: workloadControl(world, second),
      site: HOME,
      workload: "orders",
      generation: 1,
      breakReplica: async () => {
        home.pods.ready = 1;
      },
      lose: (how) => lose(how, home.provider),
      stop,
    };
  },
});

describeSiteEntry({
  name: "the simulator",
  setup: async () => {
    const { world, home, controllers, lose, stop } = ground();
    return {
      entry: siteEntry(world, controllers[0]),
      site: HOME,
      setWrites: async (open) => {
        home.database.writesOpen = open;
      },
      fail: async () => {
        home.pods.ready = 0;
      },
      lose: (how) => lose(how, home.entry),
      stop,
    };
  },
});

describeConvergenceProbe({
  name: "the simulator",
  setup: async () => {
    const { world, home, controllers, lose, stop } = ground();
    return {
      probe: convergenceProbe(world, controllers[0]),
      vantages: ["internet"],
      sites: SITES,
      lead: async (to) => {
        world.dns.site = to;
      },
      shut: async (how) => {
        if (how === "refusing") home.entry.crash();
        else world.network.cut([world.internet.name], [home.entry.name]);
      },
      blind: (how) => lose(how, world.internet),
      stop,
    };
  },
});

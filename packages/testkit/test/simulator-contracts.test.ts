// The ports of the simulator pass the same suites as the real adapters.
import { setImmediate as turn } from "node:timers/promises";
import type { Roles } from "@cloudphoenix/core";
import {
  describeLeaseWitness,
  describePlanRunner,
  describeSiteLease,
  describeStateStores,
  describeTrafficSwitch,
} from "@cloudphoenix/testkit";
import { chanceOf } from "../src/simulator/chance.ts";
import { siteLease } from "../src/simulator/database-ports.ts";
import { SharedJournal } from "../src/simulator/journal.ts";
import { JournaledRunner } from "../src/simulator/journaled-runner.ts";
import { Network } from "../src/simulator/network.ts";
import { trafficSwitch } from "../src/simulator/platform-ports.ts";
import { Process } from "../src/simulator/process.ts";
import { Scheduler } from "../src/simulator/scheduler.ts";
import { settingsOf } from "../src/simulator/settings.ts";
import { StateServer } from "../src/simulator/state-server.ts";
import { Truth } from "../src/simulator/truth.ts";
import { WakeUps } from "../src/simulator/wake-ups.ts";
import { World } from "../src/simulator/world.ts";
import { turning } from "./turning.ts";

/** Long enough for every wait in the suites, short enough to find a run that hangs. */
const LIMIT_MS = 600_000;

const NOBODY = {
  claimed: () => undefined,
  stepRecorded: () => undefined,
  noted: () => undefined,
  approved: () => undefined,
  ended: () => undefined,
};

interface Ground {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly state: StateServer;
  readonly client: Process;
}

function ground(roles: Roles): Ground {
  const scheduler = new Scheduler();
  const network = new Network(scheduler, chanceOf(1, "network"), () => 1);
  const truth = new Truth(scheduler, false);
  const process = new Process("state", scheduler);
  const state = new StateServer({
    process,
    network,
    truth,
    observer: () => NOBODY,
    roles,
    sabotages: new Set(),
  });
  return { scheduler, network, state, client: new Process("controller-1", scheduler) };
}

describeStateStores({
  name: "the simulated state database",
  setup: async (initial) => {
    const { scheduler, state, client } = ground(initial);
    return {
      roles: state.rolesFor(client),
      runs: state.runsFor(client),
      facts: state.factsFor(client),
      audit: state.auditFor(client),
      stop: turning(scheduler),
    };
  },
});

describeLeaseWitness({
  name: "the simulator",
  setup: async () => {
    const { scheduler, state, client } = ground({
      generation: 1,
      active: "site-a",
      claimedBy: null,
      protected: true,
    });
    return {
      witness: state.witnessFor(client),
      another: state.witnessFor(new Process("agent", scheduler)),
      stop: turning(scheduler),
    };
  },
});

describeSiteLease({
  name: "the simulator",
  setup: async (epoch) => {
    const world = new World(settingsOf(1), new Set(), false);
    const { id, database } = world.site("aws-us-east-1");
    const become = async (role: typeof database.role, generation: number): Promise<void> => {
      database.role = role;
      database.generation = generation;
      database.writesOpen = role === "active";
    };
    await become("active", epoch);
    database.leaseUntilMs = database.process.readClock() + 600_000;
    return {
      lease: siteLease(world, world.site(id).agent, id),
      become,
      lapse: async () => {
        database.leaseUntilMs = database.process.readClock() - 1;
      },
      stop: turning(world.scheduler),
    };
  },
});

describeTrafficSwitch({
  name: "the simulator",
  setup: async () => {
    const world = new World(settingsOf(1), new Set(), false);
    const another = world.newProcess("controller-2");
    return {
      traffic: trafficSwitch(world, world.newProcess("controller-1")),
      another: trafficSwitch(world, another),
      sites: ["aws-us-east-1", "azure-westeurope"],
      stop: turning(world.scheduler),
    };
  },
});

describePlanRunner({
  name: "the simulator",
  setup: async (program) => {
    const roles = { generation: 1, active: "a", claimedBy: null, protected: true };
    const { scheduler, network, state, client } = ground(roles);
    const wakeUps = new WakeUps(network);
    const journal = new SharedJournal();
    const launch = (): JournaledRunner =>
      new JournaledRunner({
        process: client,
        journal,
        program: program(client.clock),
        ask: (effect) => state.ask(client, effect),
        subscribe: (runId, wake) => wakeUps.subscribe(runId, client, wake),
        announce: (runId, cancelled) => wakeUps.announce(runId, cancelled),
        onStart: () => undefined,
        onDefect: (_runId, error) => {
          throw error;
        },
        gone: new AbortController().signal,
      });
    let runner = launch();
    let stop = turning(scheduler);
    return {
      clock: client.clock,
      get runner() {
        return runner;
      },
      async until(done) {
        const endMs = scheduler.nowMs + LIMIT_MS;
        while (!(await done())) {
          if (scheduler.nowMs > endMs) throw new Error("it never happened");
          await turn();
        }
      },
      async restart() {
        await stop();
        client.crash();
        client.start();
        runner = launch();
        stop = turning(scheduler);
        await runner.recover();
      },
      stop: () => stop(),
    };
  },
});

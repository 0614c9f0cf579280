// The in-memory implementations pass the contracts they stand in for.
import {
  type Clock,
  MemoryAuditLog,
  MemoryFactStore,
  MemoryJournal,
  MemoryLeaseWitness,
  MemoryPlanRunner,
  MemoryRoleStore,
  MemoryRunStore,
  MemoryWorkQueue,
} from "@cloudphoenix/engine";
import {
  SimulatedWorld,
  VirtualClock,
  describeLeaseWitness,
  describePlanRunner,
  describeStateStores,
  describeTrafficSwitch,
  describeWorkQueue,
  simulatedTraffic,
} from "@cloudphoenix/testkit";

/** Long enough for every wait in the suites, short enough to find a run that hangs. */
const LIMIT_MS = 600_000;
const STEP_MS = 10;

describePlanRunner({
  name: "memory",
  setup: async (program) => {
    const clock = new VirtualClock();
    const journal = new MemoryJournal();
    const launch = (): MemoryPlanRunner =>
      new MemoryPlanRunner({ clock, journal, program: program(clock) });
    let runner = launch();
    return {
      clock,
      get runner() {
        return runner;
      },
      async until(done) {
        for (let passedMs = 0; !(await done()); passedMs += STEP_MS) {
          if (passedMs > LIMIT_MS) throw new Error("it never happened");
          await clock.advance(STEP_MS);
        }
      },
      async restart() {
        runner.halt();
        runner = launch();
        runner.recover();
      },
      async stop() {
        runner.halt();
      },
    };
  },
});

describeStateStores({
  name: "memory",
  setup: async (initial) => ({
    roles: new MemoryRoleStore(initial),
    runs: new MemoryRunStore(),
    facts: new MemoryFactStore(),
    audit: new MemoryAuditLog(),
    stop: async () => undefined,
  }),
});

describeLeaseWitness({
  name: "memory",
  setup: async () => {
    const witness = new MemoryLeaseWitness();
    return { witness, another: witness, stop: async () => undefined };
  },
});

describeTrafficSwitch({
  name: "simulated world",
  setup: async () => {
    const world = new SimulatedWorld(immediate());
    return {
      traffic: simulatedTraffic(world),
      another: simulatedTraffic(world),
      sites: ["aws-us-east-1", "azure-westeurope"],
      stop: async () => undefined,
    };
  },
});

/** A clock that does not make the suite wait; it aborts as the others do. */
function immediate(): Clock {
  const virtual = new VirtualClock();
  return {
    now: () => virtual.now(),
    async sleep(ms, signal) {
      await Promise.all([virtual.sleep(ms, signal), virtual.advance(ms)]);
    },
  };
}

describeWorkQueue({
  name: "memory",
  setup: async () => {
    const clock = new VirtualClock();
    const queue = new MemoryWorkQueue(clock);
    return {
      queue,
      another: queue,
      pass: (ms) => clock.advance(ms),
      stop: async () => undefined,
    };
  },
});

import { describe, expect, test } from "vitest";
import {
  type DatabaseState,
  MemoryAuditLog,
  type Notice,
  type Quarantine,
  QuarantineDesk,
  ReturnedPrimaries,
  type Salvage,
} from "@cloudphoenix/engine";
import { SIMULATED_APPLICATION, simulatedPorts } from "@cloudphoenix/testkit";
import { planFor, type RunRecord } from "@cloudphoenix/core";
import { A, B, Simulation, statuses } from "./simulation.ts";

// Goal: an old primary that comes back is shut, looked at, and given up only after people decided.
// Method: a DR run in the simulated world, then the dead site lives again.

const DIVERGENCE: Awaited<ReturnType<Salvage["inspect"]>> = {
  transactions: 3,
  rowsByTable: { "public.orders": 3 },
  truncatesTables: [],
  firstAtMs: 1_000,
  lastAtMs: 1_040,
  rpoMs: 40,
  repairable: true,
  obstacles: [],
  fullCopyTables: [],
};

interface World {
  readonly simulation: Simulation;
  readonly audit: MemoryAuditLog;
  readonly notices: Notice[];
  readonly changes: (Quarantine | null)[];
  /** A watch as a new process has it. */
  watch(): ReturnedPrimaries;
  look(returned: ReturnedPrimaries): Promise<void>;
  desk(returned: ReturnedPrimaries, approversForRisk?: number): QuarantineDesk;
  /** The role A has in its database. */
  state(): Promise<DatabaseState>;
}

/** After a failover from A to B with a tail at A, which lives again. */
async function afterFailover(divergence = DIVERGENCE): Promise<World> {
  const simulation = new Simulation();
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
  });
  await simulation.run(simulation.plan("dr"));
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "alive";
  });
  const ports = simulatedPorts(simulation.world, simulation.stores);
  const audit = simulation.stores.audit;
  const notices: Notice[] = [];
  const changes: (Quarantine | null)[] = [];
  const signal = new AbortController().signal;
  const settle = async <T>(work: Promise<T>): Promise<T> => {
    let done = false;
    void work.finally(() => (done = true)).catch(() => undefined);
    await simulation.clock.runUntil(async () => done, 60_000);
    return work;
  };
  return {
    simulation,
    audit,
    notices,
    changes,
    watch: () =>
      new ReturnedPrimaries(
        {
          ...ports,
          ...simulation.stores,
          salvage: { inspect: async () => divergence },
          notifier: { notify: async (notice) => void notices.push(notice) },
        },
        {
          changed: (_site, now) => changes.push(now),
          trouble: (message) => expect(message).toBe(""),
        },
      ),
    look: (returned) => settle(returned.look(signal)),
    desk: (returned, approversForRisk = 1) =>
      new QuarantineDesk({
        ...ports,
        policy: { approversForRisk },
        returned,
        divergentObjects: null,
      }),
    state: () => settle(ports.databases.inspect(A, signal)),
  };
}

async function rejoin({ simulation }: World): Promise<RunRecord> {
  const plan = planFor({
    id: "run-rejoin",
    kind: "rejoin",
    application: SIMULATED_APPLICATION,
    roles: await simulation.stores.roles.read(),
    target: A,
    nowMs: simulation.clock.now(),
    reason: "a test",
    approvers: 0,
  });
  await simulation.runner.start(plan, "operator:ann");
  return simulation.untilStatus(plan.id, ({ status }) => status !== "running");
}

describe("a returned old primary", () => {
  test("is fenced for the writer's generation, recorded, and people are told", async () => {
    const world = await afterFailover();
    expect(await world.state()).toMatchObject({ role: "active", generation: 1, writesOpen: true });
    const returned = world.watch();

    await world.look(returned);

    expect(await world.state()).toMatchObject({ role: "fenced", generation: 2, writesOpen: false });
    expect(returned.quarantines).toMatchObject([
      {
        site: A,
        writer: B,
        found: { role: "active", generation: 1 },
        fence: { degree: "confirmed" },
        divergence: { transactions: 3 },
      },
    ]);
    expect(world.notices).toMatchObject([
      { severity: "critical", title: expect.stringContaining(A) },
    ]);
    expect(world.audit.entries.map((entry) => entry.what)).toContain(`quarantine ${A}`);
  });

  test("is announced once, however often it is looked at and whoever looks", async () => {
    const world = await afterFailover();
    await world.look(world.watch());
    const next = world.watch();
    await next.load();

    await world.look(next);

    expect(next.quarantines).toHaveLength(1);
    expect(world.notices).toHaveLength(1);
  });

  test("is shut again if it says once more that it writes", async () => {
    const world = await afterFailover();
    const returned = world.watch();
    await world.look(returned);
    world.simulation.world.strike((state) => {
      Object.assign(state.sites[A]!.database, { role: "active", writesOpen: true });
    });

    await world.look(returned);

    expect(await world.state()).toMatchObject({ role: "fenced", writesOpen: false });
    expect(world.notices).toHaveLength(1);
  });

  test("is left alone while a run is under way that may have made it what it is", async () => {
    const world = await afterFailover();
    const { simulation } = world;
    await simulation.stores.runs.create({
      plan: simulation.plan("switchover", { id: "other" }),
      startedBy: "operator:ann",
      atMs: simulation.clock.now(),
    });
    const returned = world.watch();

    await world.look(returned);

    expect(returned.quarantines).toEqual([]);
    expect(await world.state()).toMatchObject({ role: "active" });
  });
});

describe("a rejoin", () => {
  test("is refused with what to do while nobody has decided", async () => {
    const world = await afterFailover();
    const returned = world.watch();
    await world.look(returned);

    const run = await rejoin(world);

    expect(run.status).toBe("needs-attention");
    expect(statuses(run)["record-salvage"]).toBe("failed");
    expect(run.waitingFor).toContain("cloudphoenix quarantine export");
    expect(await world.state()).toMatchObject({ role: "fenced" });
    expect(returned.facts).toMatchObject([{ site: A, mayRejoin: false }]);
  });

  test("makes the site the standby of the writer, and the application is protected again", async () => {
    const world = await afterFailover();
    const returned = world.watch();
    await world.look(returned);
    await world.desk(returned).accept(A, { by: "ann", reason: "test data" });

    const run = await rejoin(world);

    expect(run.status).toBe("completed");
    expect(await world.state()).toMatchObject({
      role: "standby",
      writesOpen: false,
      generation: 2,
    });
    expect(await world.simulation.stores.roles.read()).toMatchObject({
      active: B,
      generation: 2,
      protected: true,
    });
    await world.look(returned);
    expect(returned.quarantines).toEqual([]);
    expect(world.changes.at(-1)).toBeNull();
  });

  test("needs no decision if nothing exists only at the site", async () => {
    const world = await afterFailover({ ...DIVERGENCE, transactions: 0, rowsByTable: {} });
    await world.look(world.watch());

    expect((await rejoin(world)).status).toBe("completed");
  });
});

describe("giving data up", () => {
  test("takes as many different people as the policy wants, whatever their names look like", async () => {
    const world = await afterFailover();
    const returned = world.watch();
    await world.look(returned);
    const desk = world.desk(returned, 2);
    const fact = (): unknown => returned.quarantines[0]?.decisions.length;

    await desk.accept(A, { by: "ann", reason: "test data" });
    await expect(desk.accept(A, { by: " ANN", reason: "again" })).rejects.toThrow(
      "has accepted this loss already",
    );
    expect(fact()).toBe(1);
    await desk.accept(A, { by: "bob", reason: "seen" });
    expect(fact()).toBe(2);
  });

  test("is not what an incomplete export amounts to", async () => {
    const world = await afterFailover();
    const returned = world.watch();
    await world.look(returned);
    const desk = world.desk(returned);

    await expect(desk.exported(A, { by: "ann", rows: 3, file: "f" })).rejects.toThrow(
      "none were sent",
    );
    expect(returned.facts[0]?.mayRejoin).toBe(false);
  });
});

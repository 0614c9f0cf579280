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
import { type FenceProof, type Plan, planFor, type RunRecord } from "@cloudphoenix/core";
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
  /** How often A was asked to fence itself, and to print its log. */
  readonly asked: { readonly fences: number; readonly logs: number };
  readonly audit: MemoryAuditLog;
  readonly notices: Notice[];
  readonly changes: (Quarantine | null)[];
  /** A watch as a new process has it. */
  watch(): ReturnedPrimaries;
  look(returned: ReturnedPrimaries): Promise<void>;
  /** Lets time pass until `work` has ended. */
  settle<T>(work: Promise<T>): Promise<T>;
  desk(
    returned: ReturnedPrimaries,
    approversForRisk?: number,
    reapply?: Salvage["reapply"],
  ): QuarantineDesk;
  /** The role A has in its database. */
  state(): Promise<DatabaseState>;
}

/** What the fence and the log of the site answer, one after the other; then what is sound. */
interface Answers {
  readonly fences?: FenceProof["degree"][];
  readonly transactions?: number[];
}

/** After a failover from A to B with a tail at A, which lives again. */
async function afterFailover({ fences = [], transactions = [] }: Answers = {}): Promise<World> {
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
  const asked = { fences: 0, logs: 0 };
  const databases: typeof ports.databases = {
    ...ports.databases,
    inspect: (site, limited) => ports.databases.inspect(site, limited),
    async fence(site, generation, limited) {
      asked.fences += 1;
      const proof = await ports.databases.fence(site, generation, limited);
      const degree = fences.shift() ?? proof.degree;
      return { ...proof, degree, detail: degree === "confirmed" ? proof.detail : "a lock is held" };
    },
  };
  const salvage = {
    async inspect() {
      asked.logs += 1;
      return { ...DIVERGENCE, transactions: transactions.shift() ?? DIVERGENCE.transactions };
    },
  };
  const settle = async <T>(work: Promise<T>): Promise<T> => {
    let done = false;
    void work.finally(() => (done = true)).catch(() => undefined);
    await simulation.clock.runUntil(async () => done, 60_000);
    return work;
  };
  return {
    simulation,
    asked,
    audit,
    notices,
    changes,
    watch: () =>
      new ReturnedPrimaries(
        {
          ...ports,
          ...simulation.stores,
          databases,
          salvage,
          notifier: { notify: async (notice) => void notices.push(notice) },
        },
        {
          changed: (_site, now) => changes.push(now),
          trouble: (message) => expect(message).toBe(""),
        },
      ),
    settle,
    look: (returned) => settle(returned.look(signal)),
    desk: (returned, approversForRisk = 1, reapply) =>
      new QuarantineDesk({
        ...ports,
        salvage: { ...ports.salvage, ...(reapply !== undefined && { reapply }) },
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

/** A takes writes again, in spite of its fence. */
function open({ simulation }: World): void {
  simulation.world.strike((state) => {
    Object.assign(state.sites[A]!.database, { role: "active", writesOpen: true });
  });
}

/** A run that left A for B, or as `changes` say, and has not ended. */
async function begin({ simulation }: World, changes: Partial<Plan>): Promise<void> {
  await simulation.stores.runs.create({
    plan: simulation.plan("switchover", { id: "other", ...changes }),
    startedBy: "operator:ann",
    atMs: simulation.clock.now(),
  });
}

describe("a fence that is not confirmed", () => {
  test("is tried again at every look, and says why; nothing may be given up meanwhile", async () => {
    const world = await afterFailover({ fences: ["unproven", "unproven"] });
    const returned = world.watch();
    await world.look(returned);
    await world.look(returned);

    expect(world.asked).toEqual({ fences: 2, logs: 0 });
    const [seen] = returned.quarantines;
    expect(seen).toMatchObject({
      divergence: null,
      trouble: "its fence is unproven: a lock is held",
    });
    expect(returned.facts).toMatchObject([
      { mayRejoin: false, sentence: expect.stringContaining("may still take writes") },
    ]);
    // What did not change was told once.
    expect(world.changes).toHaveLength(1);

    await world.look(returned);
    expect(world.asked).toEqual({ fences: 3, logs: 1 });
    expect(returned.quarantines).toMatchObject([{ trouble: null, divergence: DIVERGENCE }]);
    await world.look(returned);
    expect(world.asked).toEqual({ fences: 3, logs: 1 });
  });
});

describe("a quarantined site that takes writes again", () => {
  test("is fenced and read again, also if it held nothing before", async () => {
    const world = await afterFailover({ transactions: [0, 5] });
    const returned = world.watch();
    await world.look(returned);
    expect(returned.facts).toMatchObject([{ mayRejoin: true }]);

    open(world);
    await world.look(returned);

    expect(await world.state()).toMatchObject({ role: "fenced", writesOpen: false });
    expect(world.asked).toEqual({ fences: 2, logs: 2 });
    expect(returned.facts).toMatchObject([
      { mayRejoin: false, sentence: expect.stringContaining("5 transactions exist only at") },
    ]);
  });

  test("voids what was decided before, on record", async () => {
    const world = await afterFailover();
    const returned = world.watch();
    await world.look(returned);
    const accepted = { kind: "accepted", by: "ann", atMs: 1, reason: "seen" } as const;
    await returned.change(A, (now) => ({ ...now!, decisions: [accepted] }));
    expect(returned.facts).toMatchObject([{ mayRejoin: true }]);

    open(world);
    await world.look(returned);

    expect(returned.facts).toMatchObject([{ mayRejoin: false }]);
    expect(returned.quarantines).toMatchObject([{ decisions: [] }]);
    expect(world.audit.entries.at(-1)).toMatchObject({
      what: `void the decisions about ${A}`,
      detail: [accepted],
    });
  });
});

describe("nothing is decided about a site", () => {
  test("that may still take writes", async () => {
    const world = await afterFailover({ fences: ["unproven"] });
    const returned = world.watch();
    await world.look(returned);
    const desk = world.desk(returned);
    const ann = { by: "ann", reason: "seen" };

    const refused = { code: "CONFLICT", message: expect.stringContaining("a lock is held") };
    await expect(desk.accept(A, ann)).rejects.toMatchObject(refused);
    await expect(desk.exported(A, { by: "ann", rows: 0, file: "f" })).rejects.toMatchObject(
      refused,
    );
    const { signal } = new AbortController();
    await expect(desk.reapply(A, ann, signal)).rejects.toMatchObject(refused);
  });

  test("by what was read before it took writes again", async () => {
    const world = await afterFailover();
    const returned = world.watch();
    await world.look(returned);
    const desk = world.desk(returned);
    for await (const row of desk.rows(A, new AbortController().signal)) expect(row).toBeDefined();

    open(world);
    await world.look(returned);

    await expect(desk.exported(A, { by: "ann", rows: 0, file: "f" })).rejects.toMatchObject({
      hint: "Export again.",
    });
  });

  test("by what was written back before that", async () => {
    const world = await afterFailover();
    const returned = world.watch();
    await world.look(returned);
    open(world);
    await world.look(returned);
    const reapplied = { applied: 3, conflicting: 0, conflicts: [], alreadyDone: true };
    const desk = world.desk(returned, 1, async () => reapplied);

    const { signal } = new AbortController();
    const again = world.settle(desk.reapply(A, { by: "ann", reason: "again" }, signal));
    await expect(again).rejects.toThrow("took writes again");
    expect(returned.facts).toMatchObject([{ mayRejoin: false }]);
  });

  test.each([
    ["shut again", ["confirmed", "confirmed"], "took writes again"],
    ["not shut yet", ["confirmed", "unproven"], "may still take writes"],
    ["shut at the second try", ["confirmed", "unproven", "confirmed"], "took writes again"],
  ] as const)("by a reapply during which it took writes, %s", async (_name, fences, why) => {
    const world = await afterFailover({ fences: [...fences] });
    const returned = world.watch();
    await world.look(returned);
    const { signal } = new AbortController();
    const desk = world.desk(returned, 1, async () => {
      open(world);
      for (const _ of fences.slice(1)) await returned.look(signal);
      return { applied: 3, conflicting: 0, conflicts: [], alreadyDone: false };
    });

    const reapplied = desk.reapply(A, { by: "ann", reason: "orders" }, signal);
    await expect(world.settle(reapplied)).rejects.toMatchObject({
      code: "CONFLICT",
      message: expect.stringContaining(why),
    });
    expect(returned.quarantines).toMatchObject([{ decisions: [] }]);
  });
});

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

  test.each(["region", "dr", "switchover", "failback"] as const)(
    "is shut although the %s that left it is still under way",
    async (kind) => {
      const world = await afterFailover();
      await begin(world, { kind });

      await world.look(world.watch());

      expect(await world.state()).toMatchObject({ role: "fenced", writesOpen: false });
      expect(world.notices).toHaveLength(1);
    },
  );

  test("that is shut is left to the run that makes a standby of it, until it opens", async () => {
    for (const plan of [{ kind: "switchover" }, { kind: "rejoin", from: B, to: A }] as const) {
      const world = await afterFailover();
      await begin(world, plan);
      world.simulation.world.strike((state) => {
        Object.assign(state.sites[A]!.database, { role: "fenced", writesOpen: false });
      });
      const returned = world.watch();

      await world.look(returned);
      expect(returned.quarantines).toEqual([]);

      open(world);
      await world.look(returned);
      expect(returned.quarantines).toHaveLength(1);
      expect(await world.state()).toMatchObject({ role: "fenced" });
    }
  });
});

test("a site that came back open during a planned move is fenced until that is proven, run or not", async () => {
  const world = await afterFailover({ fences: ["unproven", "unproven"] });
  await begin(world, { kind: "switchover" });
  const returned = world.watch();
  await world.look(returned);
  // The row says fenced by now, and the gates did not close.
  world.simulation.world.strike((state) => {
    Object.assign(state.sites[A]!.database, { role: "fenced", writesOpen: true });
  });

  await world.look(returned);
  await world.look(returned);

  expect(world.asked.fences).toBe(3);
  expect(returned.quarantines).toMatchObject([{ fence: { degree: "confirmed" } }]);
});

describe("the target of a move", () => {
  test.each(["region", "dr", "switchover", "failback"] as const)(
    "of kind %s is left to it until the roles are settled",
    async (kind) => {
      const world = await afterFailover();
      await begin(world, { kind, from: B, to: A });
      const returned = world.watch();

      await world.look(returned);

      expect(returned.quarantines).toEqual([]);
      expect(await world.state()).toMatchObject({ role: "active" });
    },
  );
});

describe("a site that took writes again while a run made a standby of it", () => {
  test("is not repaired over them before people decided", async () => {
    const world = await afterFailover();
    const { simulation } = world;
    await world.look(world.watch());
    const plan = simulation.plan("switchover");
    const step = plan.steps.find(({ action }) => action.kind === "rejoin-site")!;
    const context = { plan, step, signal: new AbortController().signal };
    const action = { kind: "rejoin-site", site: A, writer: B } as const;

    const repaired = simulation.handlers["rejoin-site"].run(action, context);

    await expect(world.settle(repaired)).rejects.toMatchObject({
      code: "APPROVAL_REQUIRED",
      message: expect.stringContaining("3 transactions exist only at"),
    });
    expect(await world.state()).toMatchObject({ role: "fenced" });
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
    const world = await afterFailover({ transactions: [0] });
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

  test("in the same instant counts everybody, and each person once", async () => {
    const world = await afterFailover();
    const returned = world.watch();
    await world.look(returned);
    const desk = world.desk(returned, 2);

    const people = ["ann", "bob", "ann"].map((by) => desk.accept(A, { by, reason: "seen" }));
    const outcomes = await Promise.allSettled(people);

    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(returned.quarantines).toMatchObject([{ decisions: [{ by: "ann" }, { by: "bob" }] }]);
    expect(returned.facts).toMatchObject([{ mayRejoin: true }]);
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

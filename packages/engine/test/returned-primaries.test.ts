import { describe, expect, test } from "vitest";
import { afterFailover, begin, DIVERGENCE, open } from "./returned-world.ts";
import { A, B } from "./simulation.ts";

// Goal: an old primary that comes back is shut, whatever else is under way, and stays shut.
// Method: a DR run in the simulated world, then the dead site lives again.

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

  test("that nobody could be told of is told by the next leader, under the same key", async () => {
    const world = await afterFailover({ lostNotices: 1 });
    await world.look(world.watch());
    expect(world.notices).toEqual([]);
    const next = world.watch();
    await next.load();

    await world.look(next);
    await world.look(next);

    const [{ foundAtMs } = { foundAtMs: 0 }] = next.quarantines;
    expect(world.notices.map(({ key }) => key)).toEqual([`quarantine-${A}-${foundAtMs}`]);
    const recorded = world.audit.entries.filter(({ what }) => what === `quarantine ${A}`);
    expect(recorded).toHaveLength(1);
  });

  test("that nobody could be told of is tried again, and not at every look", async () => {
    const world = await afterFailover({ lostNotices: 1 });
    const returned = world.watch();
    await world.look(returned);
    await world.look(returned);
    expect(world.notices).toEqual([]);
    await world.simulation.clock.advance(15_000);

    await world.look(returned);
    await world.look(returned);

    expect(world.notices).toHaveLength(1);
  });

  test("that returns a second time is told a second time", async () => {
    const world = await afterFailover();
    const returned = world.watch();
    await world.look(returned);
    world.simulation.world.strike((state) => {
      Object.assign(state.sites[A]!.database, { role: "standby", writesOpen: false });
    });
    await world.look(returned);
    expect(returned.quarantines).toEqual([]);
    open(world);
    const next = world.watch();
    await next.load();

    await world.look(next);

    expect(world.notices).toHaveLength(2);
  });

  test("is shut again if it says once more that it writes", async () => {
    const world = await afterFailover();
    const returned = world.watch();
    await world.look(returned);
    open(world);

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

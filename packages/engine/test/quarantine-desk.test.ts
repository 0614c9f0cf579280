import { describe, expect, test } from "vitest";
import { planFor, type RunRecord } from "@cloudphoenix/core";
import { SIMULATED_APPLICATION } from "@cloudphoenix/testkit";
import { afterFailover, open, type ReturnedWorld } from "./returned-world.ts";
import { A, B, statuses } from "./simulation.ts";

// Goal: what only an old primary holds is given up after people decided about all of it, and not before.
// Method: a DR run in the simulated world, then the dead site lives again.

async function rejoin({ simulation }: ReturnedWorld): Promise<RunRecord> {
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

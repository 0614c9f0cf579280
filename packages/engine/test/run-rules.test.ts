// Timeouts, generations, parallel steps, pauses, dry runs.
import type { PlanStep } from "@cloudphoenix/core";
import { dryRun } from "@cloudphoenix/engine";
import { describe, expect, test } from "vitest";
import { A, B, Simulation, statuses } from "./simulation.ts";

describe("a step that takes too long", () => {
  test.each([false, true])("is given up and tried again (deaf to its signal: %s)", async (deaf) => {
    const simulation = new Simulation();
    simulation.world.inject({ operation: `promote ${B}`, how: "hang", times: 1, deaf });

    const run = await simulation.run(simulation.plan("dr"));

    expect(run.status).toBe("completed");
    const promoted = run.steps.find((step) => step.id === "promote-database");
    expect(promoted?.attempts).toBe(2);
    expect(await simulation.texts(run.id)).toContain("promote-database took longer than 30000 ms");
  });
});

describe("a generation", () => {
  test("that was claimed by somebody else ends the run before it touches anything", async () => {
    const simulation = new Simulation();
    await simulation.stores.roles.claim("another-run", 2, A);

    const run = await simulation.run(simulation.plan("dr"));

    expect(run.status).toBe("superseded");
    expect(simulation.world.effects).toEqual([]);
    expect((await simulation.stores.roles.read()).claimedBy).toBe("another-run");
  });

  test("that is claimed half-way ends the run at its next try", async () => {
    const simulation = new Simulation(async (call) => {
      if (call.step.id === "promote-database") {
        await simulation.stores.roles.claim("another-run", 3, A);
      }
      return call.run();
    });

    const run = await simulation.run(simulation.plan("dr"));

    expect(run.status).toBe("superseded");
    expect(simulation.world.state.traffic.site).toBe(A);
    expect(simulation.world.effects).not.toContain(`open ${B}`);
  });

  test("older than the one a target knows is refused by the target, and people are asked", async () => {
    const simulation = new Simulation();
    simulation.world.strike((state) => {
      state.sites[B]!.database.generation = 7;
    });
    const plan = simulation.plan("dr");
    await simulation.runner.start(plan, "decision");

    const run = await simulation.untilStatus(plan.id, ({ status }) => status !== "running");

    expect(run.status).toBe("needs-attention");
    expect(run.steps.find((step) => step.id === "promote-database")).toMatchObject({
      attempts: 1,
      error: { code: "STALE_GENERATION" },
    });
  });

  test.each(["dr", "switchover", "rollback"] as const)(
    "claimed for a %s that was planned before an earlier move had settled ends the run",
    async (kind) => {
      const simulation = new Simulation();
      await simulation.stores.roles.settle(1, { active: B, protected: true });

      const run = await simulation.run(simulation.plan(kind));

      expect(run.status).toBe("superseded");
      expect(simulation.world.effects).toEqual([]);
      expect(await simulation.stores.roles.read()).toMatchObject({ generation: 1, active: B });
      expect(await simulation.texts(run.id)).toContainEqual(
        `superseded: generation 2 was asked for while ${A} was active, ${B} is now`,
      );
    },
  );

  test("of a rejoin must have the writer active it was planned for", async () => {
    const simulation = new Simulation();
    await simulation.stores.roles.settle(1, { active: B, protected: true });

    const run = await simulation.run(simulation.plan("rejoin"));

    expect(run.status).toBe("superseded");
    expect(simulation.world.effects).toEqual([]);
    expect(await simulation.texts(run.id)).toContainEqual(
      `superseded: the plan was made while ${A} was active, ${B} is now`,
    );
  });

  test("of a heal stays the current one whoever is active", async () => {
    const simulation = new Simulation();
    await simulation.stores.roles.settle(1, { active: B, protected: true });

    expect((await simulation.run(simulation.plan("heal"))).status).toBe("completed");
  });

  test("that an earlier executor of the run has settled is not taken back", async () => {
    const simulation = new Simulation();
    simulation.world.inject({ operation: `promote ${B}`, how: "before", times: 1_000 });
    const plan = simulation.plan("dr");
    await simulation.runner.start(plan, "decision");
    await simulation.untilStatus(plan.id, ({ status }) => status === "needs-attention");
    await simulation.stores.roles.settle(2, { active: B, protected: false });
    await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });

    const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

    expect(run.status).toBe("superseded");
    expect(simulation.world.site(A).database.role).toBe("fenced");
    expect(await simulation.stores.roles.read()).toMatchObject({ generation: 2, active: B });
  });

  test("of a heal must still be the current one", async () => {
    const simulation = new Simulation();
    await simulation.stores.roles.claim("a-move", 2, A);

    const run = await simulation.run(simulation.plan("heal"));

    expect(run.status).toBe("superseded");
    expect(simulation.world.effects).toEqual([]);
  });

  test("that moves on during a cancel stops the undo", async () => {
    const simulation = new Simulation();
    simulation.world.inject({ operation: `promote ${B}`, how: "before", times: 1_000 });
    const plan = simulation.plan("dr");
    await simulation.runner.start(plan, "decision");
    await simulation.untilStatus(plan.id, ({ status }) => status === "needs-attention");
    await simulation.stores.roles.claim("another-run", 3, A);
    await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });

    const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

    expect(run.status).toBe("superseded");
    expect(simulation.world.site(A).database.role).toBe("fenced");
  });
});

describe("steps without order between them", () => {
  test("run at the same time, and a failure of one waits for the others", async () => {
    const simulation = new Simulation();
    simulation.world.strike((state) => {
      for (const site of Object.values(state.sites)) {
        site.workloads["orders"] = { desired: 2, ready: 0 };
        site.workloads["mail"] = { desired: 2, ready: 0 };
      }
    });
    const plan = simulation.plan("heal", { onFailure: "wait" });
    const first = plan.steps[0]!;
    const mail: PlanStep = {
      ...first,
      id: "restart-mail",
      action: { kind: "restart-workload", site: A, workload: "mail" },
    };
    const needs = [first.id, mail.id];
    const steps = [first, mail, ...plan.steps.slice(1).map((step) => ({ ...step, needs }))];
    simulation.world.inject({ operation: `restart-workload ${A}`, how: "before", times: 1 });

    const run = await simulation.run({ ...plan, steps });

    expect(run.status).toBe("completed");
    const [one, other] = run.steps;
    expect(new Set([one?.attempts, other?.attempts])).toEqual(new Set([1, 2]));
    expect(one?.startedAtMs).toBe(other?.startedAtMs);
  });
});

test("a look before a step that fails does not stop the step", async () => {
  const simulation = new Simulation();
  simulation.world.inject({ operation: `workload ${B}`, how: "before", times: 1 });

  const run = await simulation.run(simulation.plan("dr"));

  expect(run.steps.find((step) => step.id === "scale-orders")).toMatchObject({
    status: "done",
    attempts: 1,
  });
});

test("a step whose work is already there is done without acting", async () => {
  const simulation = new Simulation();

  const run = await simulation.run(simulation.plan("heal"));

  expect(run.steps[0]).toMatchObject({ status: "done", result: { alreadyDone: true } });
  expect(simulation.world.effects).not.toContain(`restart-workload ${A}`);
});

test("a pause between steps lasts as long as it says, across a crash", async () => {
  const simulation = new Simulation();
  const plan = simulation.plan("heal");
  const pause: PlanStep = {
    ...plan.steps[0]!,
    id: "pause",
    action: { kind: "pause", durationMs: 3_600_000 },
    needs: [],
  };
  const startedAtMs = simulation.clock.now();
  await simulation.runner.start({ ...plan, steps: [pause] }, "decision");
  await simulation.clock.advance(1_800_000);
  simulation.runner.halt();
  await simulation.clock.advance(600_000);
  simulation.newRunner().recover();

  const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

  expect(statuses(run)).toMatchObject({ pause: "done" });
  expect(simulation.clock.now() - startedAtMs).toBe(3_600_000);
});

describe("a dry run", () => {
  test.each(["dr", "switchover", "heal", "rollback"] as const)(
    "of a %s changes nothing",
    async (kind) => {
      const simulation = new Simulation();
      const before = simulation.world.snapshot();
      const roles = await simulation.stores.roles.read();
      const plan = simulation.plan(kind);

      const looking = dryRun(plan, simulation.deps, new AbortController().signal);
      await simulation.clock.advance(5_000);
      const steps = await looking;

      const { replication: _then, ...world } = before;
      const { replication: _now, ...worldAfter } = simulation.world.snapshot();
      expect(worldAfter).toEqual(world);
      expect(await simulation.stores.roles.read()).toEqual(roles);
      expect(await simulation.stores.runs.list(10)).toEqual([]);
      expect(steps.map((step) => step.id)).toEqual(plan.steps.map((step) => step.id));
      for (const step of steps) expect(step.intended).not.toBe("");
    },
  );

  test("says for a dead site that nothing could be found out, and does not wait long", async () => {
    const simulation = new Simulation();
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
    });
    const looking = dryRun(simulation.plan("heal"), simulation.deps, new AbortController().signal);
    await simulation.clock.advance(2_000);

    const [restart] = await looking;

    expect(restart?.current).toContain("could not be found out");
  });
});

// When people may take a run back, what is taken back then, and where a cancel is refused.
import type { Plan } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { A, B, Simulation, ended, statuses } from "./simulation.ts";

const DAY_MS = 86_400_000;

describe("cancel", () => {
  test.each([false, true])("ends a step that hangs (deaf to its signal: %s)", async (deaf) => {
    const simulation = new Simulation();
    simulation.world.inject({ operation: `promote ${B}`, how: "hang", times: 1, deaf });
    const plan = simulation.plan("dr");
    await simulation.runner.start(plan, "decision");
    await simulation.untilStatus(plan.id, (run) => statuses(run)["promote-database"] === "running");
    await simulation.clock.advance(1_000);
    const askedAtMs = simulation.clock.now();
    await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });

    const run = await simulation.untilStatus(plan.id, ended);

    expect(run.status).toBe("undone");
    expect(simulation.clock.now() - askedAtMs).toBeLessThan(1_000);
    expect(simulation.world.site(A).database).toMatchObject({ role: "active", writesOpen: true });
  });

  test("ends the wait between two tries", async () => {
    const simulation = new Simulation();
    simulation.world.inject({ operation: `promote ${B}`, how: "before", times: 1_000 });
    const plan = simulation.plan("dr");
    const patient = plan.steps.map((step) => ({
      ...step,
      retry: { attempts: 5, backoffMs: DAY_MS, backoffMaxMs: DAY_MS },
    }));
    await simulation.runner.start({ ...plan, steps: patient }, "decision");
    await simulation.clock.advance(10_000);
    await simulation.tell(plan.id, { kind: "pause", by: "bob" });
    await simulation.clock.advance(1_000);
    const askedAtMs = simulation.clock.now();
    await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });

    const run = await simulation.untilStatus(plan.id, ended);

    expect(run.status).toBe("undone");
    expect(simulation.clock.now() - askedAtMs).toBeLessThan(1_000);
  });

  test("is refused when a failed opening of writes turns out to have worked", async () => {
    const simulation = new Simulation();
    simulation.world.inject({ operation: `open ${B}`, how: "after", times: 1 });
    const plan = simulation.plan("dr");
    const impatient = plan.steps.map((step) => ({
      ...step,
      retry: { ...step.retry, attempts: 1 },
    }));
    await simulation.runner.start({ ...plan, steps: impatient }, "decision");
    await simulation.untilStatus(plan.id, ({ status }) => status === "needs-attention");

    await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });
    await simulation.clock.advance(10_000);

    expect((await simulation.record(plan.id)).status).toBe("needs-attention");
    expect((await simulation.texts(plan.id)).at(-1)).toContain("writes are open");
    expect((await simulation.stores.roles.read()).active).toBe(B);
    // So a move that becomes necessary now does not wait for B to answer.
    const { steps } = await simulation.record(plan.id);
    expect(steps.find(({ id }) => id === "open-writes")).toMatchObject({
      status: "done",
      error: null,
    });
    await simulation.tell(plan.id, { kind: "retry", by: "ann", step: "open-writes" });
    expect((await simulation.untilStatus(plan.id, ended)).status).toBe("completed");
  });

  test("makes sure that a failed opening of writes cannot take effect later", async () => {
    const simulation = new Simulation();
    simulation.world.inject({ operation: `open ${B}`, how: "before", times: 1_000 });
    const plan = simulation.plan("dr");
    await simulation.runner.start(plan, "decision");
    await simulation.untilStatus(plan.id, ({ status }) => status === "needs-attention");
    await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });

    const run = await simulation.untilStatus(plan.id, ended);

    const { effects } = simulation.world;
    expect(run.status).toBe("undone");
    expect(effects).toContain(`close ${B}`);
    expect(effects.indexOf(`close ${B}`)).toBeLessThan(effects.indexOf(`unfence ${A}`));
    // The promoted copy does not follow any more, so nothing protects the application now.
    expect(await simulation.stores.roles.read()).toMatchObject({ active: A, protected: false });
  });

  test("is refused while nobody can tell whether writes are open", async () => {
    const simulation = new Simulation();
    const plan = simulation.plan("dr");
    simulation.world.inject({ operation: `open ${B}`, how: "before", times: 1_000 });
    await simulation.runner.start(plan, "decision");
    await simulation.untilStatus(plan.id, ({ status }) => status === "needs-attention");
    simulation.world.strike((state) => {
      state.sites[B]!.condition = "isolated";
    });

    await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });
    await simulation.clock.advance(10_000);

    expect((await simulation.texts(plan.id)).at(-1)).toContain("is not known");
    expect(simulation.world.doubleWriters).toEqual([]);
  });
});

/** The site it leaves is gone, and the step after the promotion does not get done. */
async function promotedFromLost(): Promise<{ simulation: Simulation; plan: Plan }> {
  const simulation = new Simulation();
  simulation.world.inject({ operation: `open ${B}`, how: "before", times: 1_000 });
  simulation.world.strike(({ sites }) => {
    sites[A]!.condition = "dead";
  });
  const plan = simulation.plan("dr");
  await simulation.runner.start(plan, "decision");
  await simulation.untilStatus(plan.id, ({ status }) => status === "needs-attention");
  return { simulation, plan };
}

describe("a cancel behind the promotion of the target", () => {
  const cancel = { kind: "cancel", by: "ann", reason: "enough" } as const;

  test("is refused while the site it leaves does not answer: nobody could write", async () => {
    const { simulation, plan } = await promotedFromLost();
    await simulation.tell(plan.id, cancel);
    await simulation.clock.advance(10_000);

    expect(await simulation.record(plan.id)).toMatchObject({ status: "needs-attention" });
    expect(await simulation.texts(plan.id)).toContainEqual(
      expect.stringMatching(
        /^cancel by ann refused: azure-westeurope is promoted, and aws-us-east-1 does not answer \(.+\): nobody could write\. .*--abandon/u,
      ),
    );
  });

  test("is taken once that site answers again", async () => {
    const { simulation, plan } = await promotedFromLost();
    simulation.world.strike(({ sites }) => {
      sites[A]!.condition = "alive";
    });
    await simulation.tell(plan.id, cancel);

    expect(await simulation.untilStatus(plan.id, ended)).toMatchObject({ status: "undone" });
    expect(simulation.world.site(A).database).toMatchObject({ role: "active", writesOpen: true });
  });

  test("is taken from whoever insists, and ends where a person has to go on", async () => {
    const { simulation, plan } = await promotedFromLost();
    await simulation.tell(plan.id, { ...cancel, abandon: true });

    expect(await simulation.untilStatus(plan.id, ended)).toMatchObject({ status: "stuck" });
  });
});

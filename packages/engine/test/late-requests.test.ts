// Requests of a run that arrive after it was taken back.
import { SIMULATED_ROLES, simulatedDatabases } from "@cloudphoenix/testkit";
import { describe, expect, test } from "vitest";
import { A, Simulation } from "./simulation.ts";

describe("a move that was taken back", () => {
  test("cannot shut the site again with a fence that arrives late", async () => {
    const { simulation, generation } = await undoneMove();
    const databases = simulatedDatabases(simulation.world);
    const late = databases
      .fence(A, generation, new AbortController().signal)
      .catch((error: unknown) => error);
    await simulation.clock.advance(1_000);
    expect(await late).toMatchObject({ code: "STALE_GENERATION" });
    expect(simulation.world.site(A).database.writesOpen).toBe(true);
  });

  test("leaves the generation of its undo behind, so the next plan is newer than both", async () => {
    const { simulation, generation } = await undoneMove();
    const roles = await simulation.stores.roles.read();
    expect(roles).toMatchObject({ active: A, generation: generation + 1 });
  });
});

test("a run that is cancelled before it did anything takes no second generation", async () => {
  const simulation = new Simulation();
  const plan = simulation.plan("dr", {}, 1);
  await simulation.runner.start(plan, "decision");
  await simulation.untilStatus(plan.id, (run) => run.status === "waiting-approval");
  await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "not now" });
  await simulation.untilStatus(plan.id, (run) => run.endedAtMs !== null);
  expect((await simulation.stores.roles.read()).generation).toBe(SIMULATED_ROLES.generation + 1);
});

/** A DR run whose fence took effect and that was cancelled before the promotion. */
async function undoneMove(): Promise<{ simulation: Simulation; generation: number }> {
  const simulation: Simulation = new Simulation(async ({ action, run, step }) => {
    const result = await run();
    if (action.kind !== "fence-site") return result;
    await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: step.id });
    return result;
  });
  const plan = simulation.plan("dr");
  const ended = await simulation.run(plan);
  expect(ended.status).toBe("undone");
  return { simulation, generation: plan.generation };
}

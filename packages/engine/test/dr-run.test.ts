import { expect, test } from "vitest";
import { A, B, Simulation, statuses } from "./simulation.ts";

test("a DR run moves a dead site's application to the other cloud", async () => {
  const simulation = new Simulation();
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
  });
  const startedAtMs = simulation.clock.now();

  const run = await simulation.run(simulation.plan("dr"));

  expect(run.status).toBe("completed");
  expect(new Set(Object.values(statuses(run)))).toEqual(new Set(["done"]));
  expect(simulation.world.state.traffic.site).toBe(B);
  expect(simulation.world.site(B).database).toMatchObject({ role: "active", writesOpen: true });
  expect(simulation.world.doubleWriters).toEqual([]);
  expect(await simulation.stores.roles.read()).toEqual({
    generation: 2,
    active: B,
    claimedBy: run.id,
    protected: false,
  });
  expect(simulation.clock.now() - startedAtMs).toBeLessThan(1_000);
});

// Goal: a step that runs again finds its own work. Method: run everything twice, compare worlds.
import { CloudPhoenixError, type Json, type PlanKind } from "@cloudphoenix/core";
import { expect, test } from "vitest";
import { A, type HandlerCall, Simulation, type Tap } from "./simulation.ts";

const once: Tap = (call) => call.run();
const twice: Tap = async (call) => {
  await call.run();
  return call.run();
};

async function worldAfter(kind: PlanKind, tap: Tap): Promise<object> {
  const simulation = new Simulation(tap);
  simulation.world.strike((state) => {
    if (kind === "dr") state.sites[A]!.condition = "dead";
    if (kind === "heal") state.sites[A]!.workloads["orders"]!.ready = 1;
  });
  const run = await simulation.run(simulation.plan(kind));
  expect(run.status).toBe("completed");
  expect(simulation.world.doubleWriters).toEqual([]);
  const { replication: _times, ...world } = simulation.world.snapshot();
  return world;
}

test.each(["dr", "switchover", "failback", "heal"] as const)(
  "every step of a %s may run twice",
  async (kind) => {
    expect(await worldAfter(kind, twice)).toEqual(await worldAfter(kind, once));
  },
);

async function worldAfterUndo(tap: Tap): Promise<object> {
  const simulation = new Simulation((call: HandlerCall): Promise<Json> => {
    if (call.action.kind === "open-writes") {
      throw new CloudPhoenixError("INTERNAL", "made to fail", { retryable: false });
    }
    return tap(call);
  });
  const plan = simulation.plan("dr");
  await simulation.runner.start(plan, "decision");
  await simulation.untilStatus(plan.id, ({ status }) => status === "needs-attention");
  await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });
  const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);
  expect(run.status).toBe("undone");
  const { replication: _times, ...world } = simulation.world.snapshot();
  return world;
}

test("every undo may run twice", async () => {
  expect(await worldAfterUndo(twice)).toEqual(await worldAfterUndo(once));
});

test.each(["shut", "promote", "scale", "switch", "open"])(
  "a %s that took effect but whose answer was lost is not a failure in the end",
  async (operation) => {
    const simulation = new Simulation();
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
    });
    const site = operation === "shut" ? A : "azure-westeurope";
    simulation.world.inject({ operation: `${operation} ${site}`, how: "after", times: 1 });

    const run = await simulation.run(simulation.plan("dr"));

    expect(run.status).toBe("completed");
  },
);

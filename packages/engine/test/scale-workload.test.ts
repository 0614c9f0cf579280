// Goal: what is missing at the target must not prolong an outage, nor be overlooked in a planned move.
import { expect, test } from "vitest";
import { A, B, Simulation } from "./simulation.ts";

function scaleStepOf(run: Awaited<ReturnType<Simulation["run"]>>): {
  status: string;
  result: unknown;
} {
  const step = run.steps.find(({ id }) => id === "scale-orders");
  return { status: step?.status ?? "missing", result: step?.result };
}

test("replicas of the standby that crashed are replaced on the way, and waited for", async () => {
  const simulation = new Simulation();
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
    state.sites[B]!.workloads["orders"] = { desired: 1, ready: 0, crashed: 1 };
  });

  const run = await simulation.run(simulation.plan("dr"));

  expect(run.status).toBe("completed");
  expect(scaleStepOf(run)).toMatchObject({ status: "done", result: { desired: 2, ready: 2 } });
});

test("an unplanned move goes on with half of the replicas if the others find no room", async () => {
  const simulation = new Simulation();
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
    state.sites[B]!.workloads["orders"] = { desired: 1, ready: 1, homeless: 1 };
  });

  const run = await simulation.run(simulation.plan("dr"));

  expect(run.status).toBe("completed");
  expect(scaleStepOf(run)).toMatchObject({ status: "done", result: { desired: 2, ready: 1 } });
  const step = run.steps.find(({ id }) => id === "scale-orders");
  expect(step?.attempts).toBe(1);
});

test("less than half is not enough to send users to", async () => {
  const simulation = new Simulation();
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
    state.sites[B]!.workloads["orders"] = { desired: 1, ready: 0, homeless: 2 };
  });
  const plan = simulation.plan("dr");
  await simulation.runner.start(plan, "decision");

  const run = await simulation.untilStatus(plan.id, ({ status }) => status === "needs-attention");

  const step = run.steps.find(({ id }) => id === "scale-orders");
  expect(step?.error?.message).toContain("0 of 2 replicas of orders ready");
});

test("a planned move waits for all of them", async () => {
  const simulation = new Simulation();
  simulation.world.strike((state) => {
    state.sites[B]!.workloads["orders"] = { desired: 1, ready: 1, homeless: 1 };
  });
  const plan = simulation.plan("switchover");
  await simulation.runner.start(plan, "decision");

  const run = await simulation.untilStatus(
    plan.id,
    ({ status, endedAtMs }) => status === "needs-attention" || endedAtMs !== null,
  );

  expect(run.status).not.toBe("completed");
  expect(scaleStepOf(run).status).not.toBe("done");
});

// A record whose run nothing will ever go on with is ended. That people hear of it: waiting-runs.test.ts.
import { BrokenRuns } from "@cloudphoenix/engine";
import { expect, test } from "vitest";
import { REQUEST, leadingLoop } from "./loop-simulation.ts";
import { Simulation } from "./simulation.ts";

const never = new AbortController().signal;

interface Looked {
  readonly simulation: Simulation;
  readonly broken: BrokenRuns;
}

/** A run that waits for approval, and what `because` says of it. */
async function waitingRun(because: () => string | null): Promise<Looked> {
  const simulation = new Simulation();
  const plan = simulation.plan("dr", {}, 1);
  await simulation.runner.start(plan, "decision");
  await simulation.untilStatus(plan.id, ({ status }) => status === "waiting-approval");
  return looking(simulation, because);
}

function looking(simulation: Simulation, because: () => string | null): Looked {
  const broken = new BrokenRuns({
    clock: simulation.clock,
    ...simulation.stores,
    brokenBecause: async () => because(),
    trouble: (message) => expect(message).toBe(""),
  });
  return { simulation, broken };
}

test("a run that nothing goes on with is ended as stuck, once, with the reason", async () => {
  const { simulation, broken } = await waitingRun(() => "it was made by another release");

  await broken.look(never);
  await broken.look(never);

  const run = await simulation.record("run-dr");
  expect(run).toMatchObject({ status: "stuck", waitingFor: null, question: null });
  expect(run.endedAtMs).not.toBeNull();
  expect((await simulation.texts("run-dr")).at(-1)).toContain("it was made by another release");
  const { entries } = simulation.stores.audit;
  expect(entries.filter(({ what }) => what === "run run-dr ended stuck")).toHaveLength(1);
});

test("a run that something goes on with is left alone", async () => {
  const { simulation, broken } = await waitingRun(() => null);
  await broken.look(never);
  expect((await simulation.record("run-dr")).status).toBe("waiting-approval");
});

test("a run that ended in an orderly way while it was looked at keeps its end", async () => {
  const { simulation, broken } = await waitingRun(() => "it ended");
  const { runs } = simulation.stores;
  const list = await runs.list(10);
  const change = { waitingFor: null, question: null, endedAtMs: 1, order: 9_999 };
  await runs.setStatus("run-dr", { status: "completed", ...change });
  runs.list = async () => list;

  await broken.look(never);

  expect((await simulation.record("run-dr")).status).toBe("completed");
});

test("nothing a late executor writes brings an ended record back", async () => {
  const { simulation, broken } = await waitingRun(() => "it was made by another release");
  await broken.look(never);
  const change = { waitingFor: null, question: null, endedAtMs: null, order: 9_999 };
  await simulation.stores.runs.setStatus("run-dr", { status: "running", ...change });
  expect((await simulation.record("run-dr")).status).toBe("stuck");
});

test("what is ended no longer keeps other runs from starting", async () => {
  const freezes = [{ fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER, reason: "black friday" }];
  const simulation = await leadingLoop({ freezes });
  const first = await simulation.loop.request({ ...REQUEST, kind: "switchover" });
  await simulation.clock.advance(2_000);
  simulation.runner.halt();
  await simulation.end();

  const next = await leadingLoop();
  const record = await simulation.record(first.id);
  await next.stores.runs.create({ plan: record.plan, startedBy: "operator:ann", atMs: 1 });
  await next.clock.advance(31_000);
  await expect(next.loop.request({ ...REQUEST, kind: "switchover" })).rejects.toThrow(/under way/u);
  await looking(next, () => "it was made by another release").broken.look(never);
  await next.clock.advance(2_000);

  await expect(next.loop.request({ ...REQUEST, kind: "switchover" })).resolves.toMatchObject({
    kind: "switchover",
  });
  await next.end();
});

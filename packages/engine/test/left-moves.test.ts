// A move that cannot go on, and the failover that takes its place.
import { describe, expect, test } from "vitest";
import { type RunRecord, type StepStatus, pendingStep } from "@cloudphoenix/core";
import { runningOf } from "../src/loops/run-activity.ts";
import { type LoopSimulation, REQUEST, leadingLoop } from "./loop-simulation.ts";
import { A, B, Simulation } from "./simulation.ts";

/** A switchover that was ordered, and hangs at an operation of the simulated world. */
async function hangingAt(operation: string): Promise<LoopSimulation> {
  const simulation = await leadingLoop();
  simulation.world.inject({ operation, how: "hang", times: 1_000 });
  await simulation.loop.request({ ...REQUEST, kind: "switchover" });
  await simulation.clock.advance(2_000);
  return simulation;
}

function lose(simulation: LoopSimulation): void {
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
  });
}

/** The runs, newest first, and who writes in the end. */
async function outcome(simulation: LoopSimulation): Promise<unknown> {
  const runs = await simulation.runs();
  const { active } = await simulation.stores.roles.read();
  return { runs: runs.map(({ plan, status }) => `${plan.kind} ${status}`), active };
}

const TAKEN_OVER = { runs: ["dr completed", "switchover superseded"], active: B };

describe("a switchover whose site is lost gives way to the failover", () => {
  test("before it has stopped anything, while its step still tries", async () => {
    const simulation = await hangingAt(`switch ${B}`);
    expect(await outcome(simulation)).toEqual({ runs: ["switchover running"], active: A });
    lose(simulation);
    await simulation.clock.advance(6_000);
    await simulation.end();

    expect((await simulation.runs()).map(({ plan }) => plan.kind)).toEqual(["dr", "switchover"]);
  });

  test("after the fence, once it waits for people", async () => {
    const simulation = await hangingAt(`drain ${B}`);
    lose(simulation);
    await simulation.clock.advance(240_000);
    await simulation.end();

    expect(await outcome(simulation)).toEqual(TAKEN_OVER);
    expect(simulation.world.state.traffic.site).toBe(B);
    expect(simulation.world.doubleWriters).toEqual([]);
  });

  test("when somebody has paused it", async () => {
    const simulation = await leadingLoop();
    const plan = await simulation.loop.request({ ...REQUEST, kind: "switchover" });
    await simulation.tell(plan.id, { kind: "pause", by: "ann" });
    await simulation.clock.advance(60_000);
    expect(await outcome(simulation)).toEqual({ runs: ["switchover paused"], active: A });
    lose(simulation);
    await simulation.clock.advance(15_000);
    await simulation.end();

    expect(await outcome(simulation)).toEqual(TAKEN_OVER);
  });
});

/** A failover that asks people, for nobody can say whether the way into the site can be shut. */
async function asking(): Promise<{ simulation: LoopSimulation; silence: { times: number } }> {
  const simulation = await leadingLoop();
  const silence = { operation: "network", how: "before" as const, times: 1_000 };
  simulation.world.inject(silence);
  lose(simulation);
  await simulation.clock.advance(10_000);
  return { simulation, silence };
}

test("a failover asks nobody any more once what it asked about is over", async () => {
  const { simulation, silence } = await asking();
  expect(await outcome(simulation)).toEqual({ runs: ["dr waiting-approval"], active: A });
  silence.times = 0;
  await simulation.clock.advance(15_000);
  await simulation.end();

  expect(await outcome(simulation)).toEqual({
    runs: ["dr completed", "dr superseded"],
    active: B,
  });
});

test("a failover that somebody pauses while it asks keeps its place", async () => {
  const { simulation, silence } = await asking();
  const [run] = await simulation.runs();
  await simulation.tell(run?.id ?? "", { kind: "pause", by: "ann" });
  silence.times = 0;
  await simulation.clock.advance(60_000);
  await simulation.end();

  expect(await outcome(simulation)).toEqual({ runs: ["dr waiting-approval"], active: A });
  const refusals = (await simulation.texts(run?.id ?? "")).filter((text) =>
    text.includes("refused: ann holds it back"),
  );
  expect(refusals).toHaveLength(1);
});

describe("the stage of a run", () => {
  const STAGES: readonly (readonly [string, readonly string[], RunRecord["status"], string])[] = [
    ["before the fence", ["scale-orders", "verify-site", "switch-traffic"], "running", "preparing"],
    ["before the fence, paused", ["scale-orders"], "paused", "preparing"],
    ["before the fence, for approval", [], "waiting-approval", "preparing"],
    ["at the fence", ["fence-site"], "running", "under-way"],
    ["after the fence, out of tries", ["fence-site"], "needs-attention", "waiting"],
    ["after the fence, paused", ["fence-site"], "paused", "waiting"],
    ["at the promotion, out of tries", ["promote-database"], "needs-attention", "under-way"],
    ["after the opening", ["promote-database", "open-writes"], "needs-attention", "opened"],
  ];

  test.each(STAGES)("of a switchover %s", (_, begun, status, stage) => {
    expect(stageOf("switchover", begun, status)).toBe(stage);
  });

  test("of a failover by decision lets others in until it fences, or people hold it back", () => {
    expect(stageOf("dr", [], "waiting-approval")).toBe("asking");
    expect(stageOf("dr", [], "running")).toBe("preparing");
    expect(stageOf("dr", [], "paused")).toBe("under-way");
    expect(stageOf("dr", ["fence-site"], "waiting-approval")).toBe("under-way");
    expect(stageOf("dr", ["fence-site"], "needs-attention")).toBe("under-way");
  });

  test("of a failover that people ordered lets nobody in", () => {
    expect(stageOf("dr", [], "waiting-approval", "operator:ann")).toBe("under-way");
    expect(stageOf("dr", [], "running", "operator:ann")).toBe("under-way");
    expect(stageOf("dr", ["open-writes"], "needs-attention", "operator:ann")).toBe("opened");
  });
});

function stageOf(
  kind: "switchover" | "dr",
  begun: readonly string[],
  status: RunRecord["status"],
  startedBy: string = "decision",
): string | undefined {
  const plan = new Simulation().plan(kind);
  const done: StepStatus = status === "running" ? "running" : "done";
  const steps = plan.steps.map(({ id }) => ({
    ...pendingStep(id),
    ...(begun.includes(id) && { status: done, endedAtMs: 1 }),
  }));
  const record = { id: plan.id, plan, status, steps, startedBy } as Partial<RunRecord> as RunRecord;
  return runningOf([record])?.stage;
}

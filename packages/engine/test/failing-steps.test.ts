// Goal: whichever step fails, the run ends where it should and the world is never left between.
// Method: run the same plan once per step and let that step alone fail.
import { CloudPhoenixError, type PlanKind, type StepKind } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { A, B, type HandlerCall, Simulation, type Tap, statuses } from "./simulation.ts";

const KINDS: readonly PlanKind[] = ["dr", "switchover", "heal"];
const STEPS = KINDS.flatMap((kind) =>
  new Simulation().plan(kind).steps.map((step) => ({ kind, id: step.id })),
);
const MOVE_STEPS = STEPS.filter(({ kind }) => kind !== "heal");
const BEST_EFFORT = ["notify", "report"];
const PROTECTED: readonly StepKind[] = [
  "fence-site",
  "measure-loss",
  "drain-replication",
  "promote-database",
  "open-writes",
];

function failing(id: string, times: number, log: string[] = []): Tap {
  let left = times;
  return async (call) => {
    log.push(isUndo(call) ? `undo ${call.step.id}` : `run ${call.step.id}`);
    if (call.step.id === id && !isUndo(call) && left > 0) {
      left -= 1;
      throw new CloudPhoenixError("UNREACHABLE", "made to fail", { retryable: true });
    }
    return call.run();
  };
}

function isUndo({ action, step }: HandlerCall): boolean {
  return action.kind !== step.action.kind || action !== step.action;
}

/** Nothing is done by the first look alone, so that every handler has to run. */
function prepare(simulation: Simulation, kind: PlanKind): void {
  simulation.world.strike((state) => {
    if (kind === "dr") state.sites[A]!.condition = "dead";
    if (kind === "heal") state.sites[A]!.workloads["orders"]!.ready = 1;
  });
}

describe.each(STEPS)("$kind: $id", ({ kind, id }) => {
  test("is tried again when it fails once, and the run completes", async () => {
    const simulation = new Simulation(failing(id, 1));
    prepare(simulation, kind);

    const run = await simulation.run(simulation.plan(kind));

    expect(run.status).toBe("completed");
    expect(run.steps.find((step) => step.id === id)).toMatchObject({ status: "done", attempts: 2 });
    expect(simulation.world.doubleWriters).toEqual([]);
  });
});

describe.each(MOVE_STEPS)("$kind: $id keeps failing", ({ kind, id }) => {
  test("and the run waits for a person, unless the step was best effort", async () => {
    const simulation = new Simulation(failing(id, Number.POSITIVE_INFINITY));
    prepare(simulation, kind);
    const plan = simulation.plan(kind);
    await simulation.runner.start(plan, "decision");

    const run = await simulation.untilStatus(plan.id, ({ status }) => status !== "running");

    const record = run.steps.find((step) => step.id === id);
    expect(record).toMatchObject({ status: "failed", error: { code: "UNREACHABLE" } });
    expect(run.status).toBe(BEST_EFFORT.includes(id) ? "completed" : "needs-attention");
    if (run.status === "needs-attention") {
      expect(run.waitingFor).toContain(`step ${id} failed: made to fail`);
    }
  });

  test("and a retry by a person completes the run once it works again", async () => {
    const attempts = new Simulation().plan(kind).steps.find((step) => step.id === id)
      ?.retry.attempts;
    const simulation = new Simulation(failing(id, attempts ?? 0));
    prepare(simulation, kind);
    const plan = simulation.plan(kind);
    await simulation.runner.start(plan, "decision");
    const stopped = await simulation.untilStatus(plan.id, ({ status }) => status !== "running");
    if (stopped.status === "completed") return expect(BEST_EFFORT).toContain(id);

    await simulation.tell(plan.id, { kind: "retry", by: "ann", step: id });
    const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

    expect(run.status).toBe("completed");
    expect(run.steps.find((step) => step.id === id)?.attempts).toBe((attempts ?? 0) + 1);
  });

  test("and a cancel undoes what began, newest first, unless writes are open", async () => {
    const log: string[] = [];
    const simulation = new Simulation(failing(id, Number.POSITIVE_INFINITY, log));
    prepare(simulation, kind);
    const plan = simulation.plan(kind);
    await simulation.runner.start(plan, "decision");
    const stopped = await simulation.untilStatus(plan.id, ({ status }) => status !== "running");
    if (stopped.status === "completed") return expect(BEST_EFFORT).toContain(id);
    const begun = plan.steps.slice(0, plan.steps.findIndex((step) => step.id === id) + 1);
    const opened = begun.some((step) => step.id === "open-writes") && id !== "open-writes";
    // Undoing the fence needs the site that was fenced.
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "alive";
    });
    log.length = 0;

    await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });
    if (opened) {
      await simulation.clock.advance(60_000);
      const texts = await simulation.texts(plan.id);
      expect(texts.at(-1)).toContain(`cancel by ann refused: writes are open at ${B}`);
      expect((await simulation.record(plan.id)).status).toBe("needs-attention");
      return undefined;
    }
    const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

    expect(run.status).toBe("undone");
    const undoable = begun.filter((step) => step.undo.kind === "action");
    expect(log).toEqual(undoable.toReversed().map((step) => `undo ${step.id}`));
    for (const step of undoable) expect(statuses(run)[step.id]).toBe("undone");
    expect(simulation.world.site(A).database).toMatchObject({ role: "active", writesOpen: true });
    expect(simulation.world.site(B).database.writesOpen).toBe(false);
    expect(simulation.world.site(A).network.fenced).toBe(false);
    expect(simulation.world.state.traffic.site).toBe(A);
    expect((await simulation.stores.roles.read()).active).toBe(A);
    expect(simulation.world.doubleWriters).toEqual([]);
    return undefined;
  });

  test("and a skip with a reason goes on, unless the step protects the data", async () => {
    const simulation = new Simulation(failing(id, Number.POSITIVE_INFINITY));
    prepare(simulation, kind);
    const plan = simulation.plan(kind);
    await simulation.runner.start(plan, "decision");
    const stopped = await simulation.untilStatus(plan.id, ({ status }) => status !== "running");
    if (stopped.status === "completed") return expect(BEST_EFFORT).toContain(id);

    await simulation.tell(plan.id, { kind: "skip", by: "ann", step: id, reason: "seen by hand" });
    await simulation.clock.advance(60_000);
    const run = await simulation.record(plan.id);

    const { action } = plan.steps.find((step) => step.id === id)!;
    if (PROTECTED.includes(action.kind)) {
      expect(run.status).toBe("needs-attention");
      expect((await simulation.texts(plan.id)).at(-1)).toContain("skip by ann refused");
      return undefined;
    }
    expect(run.status).not.toBe("needs-attention");
    expect(run.steps.find((step) => step.id === id)).toMatchObject({
      status: "skipped",
      skipped: { by: "ann", reason: "seen by hand" },
    });
    return undefined;
  });
});

test("a heal that keeps failing gives up and makes room", async () => {
  const simulation = new Simulation(failing("restart-orders", Number.POSITIVE_INFINITY));
  prepare(simulation, "heal");

  const run = await simulation.run(simulation.plan("heal"));

  expect(run.status).toBe("failed");
  expect(statuses(run)).toEqual({
    "restart-orders": "failed",
    "verify-site": "pending",
    notify: "pending",
    report: "pending",
  });
});

test("an undo that keeps failing leaves the run stuck and older steps as they are", async () => {
  const log: string[] = [];
  const simulation = new Simulation(async (call) => {
    log.push(isUndo(call) ? `undo ${call.step.id}` : `run ${call.step.id}`);
    if (call.step.id === "verify-site" || (isUndo(call) && call.step.id === "fence-site")) {
      throw new CloudPhoenixError("UNREACHABLE", "made to fail", { retryable: true });
    }
    return call.run();
  });
  const plan = simulation.plan("dr");
  await simulation.runner.start(plan, "decision");
  await simulation.untilStatus(plan.id, ({ status }) => status === "needs-attention");
  await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });

  const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

  expect(run.status).toBe("stuck");
  expect(statuses(run)["fence-site"]).toBe("undo-failed");
  expect(log.filter((line) => line === "undo fence-site")).toHaveLength(5);
  expect((await simulation.texts(plan.id)).at(-1)).toContain("undo of fence-site failed");
});

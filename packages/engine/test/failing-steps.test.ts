// Goal: whichever step fails, the run ends where it should and the world is never left between.
// Method: run the same plan once per step and let that step alone fail.
import { CloudPhoenixError, type Plan, type PlanKind, type StepKind } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { A, B, type HandlerCall, Simulation, type Tap, statuses } from "./simulation.ts";

const KINDS: readonly PlanKind[] = ["dr", "switchover", "failback", "heal"];

interface Case {
  readonly kind: PlanKind;
  readonly id: string;
  readonly action: StepKind;
  /** Whether writes are open at the target when it runs. */
  readonly late: boolean;
}

const STEPS: readonly Case[] = KINDS.flatMap((kind) =>
  new Simulation().plan(kind).steps.map((step, index, steps) => ({
    kind,
    id: step.id,
    action: step.action.kind,
    late: steps.slice(0, index).some((earlier) => earlier.action.kind === "open-writes"),
  })),
);
const MOVE_STEPS = STEPS.filter(({ kind }) => kind !== "heal");
const PROTECTED: readonly StepKind[] = [
  "fence-site",
  "measure-loss",
  "drain-replication",
  "promote-database",
  "open-writes",
  "rejoin-site",
];

function isBestEffort({ action }: Case): boolean {
  return action === "notify" || action === "report";
}

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
    // In a planned move it is the former writer whose replicas have to be brought back.
    if (kind !== "dr") state.sites[A]!.workloads["orders"]!.ready = 1;
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

interface Stopped {
  readonly simulation: Simulation;
  readonly plan: Plan;
  readonly log: string[];
}

/** Starts a move whose step `id` fails `times` times, and lets time pass until it waits or ends. */
async function untilStopped(kind: PlanKind, id: string, times: number): Promise<Stopped> {
  const log: string[] = [];
  const simulation = new Simulation(failing(id, times, log));
  prepare(simulation, kind);
  const plan = simulation.plan(kind);
  await simulation.runner.start(plan, "decision");
  await simulation.untilStatus(plan.id, ({ status }) => status !== "running");
  return { simulation, plan, log };
}

const ALWAYS = Number.POSITIVE_INFINITY;
/** A failover takes the place of the run. */
const ROOM = { by: "decision", reason: "the site is lost", supersededBy: "dr-2" } as const;

describe.each(MOVE_STEPS.filter(isBestEffort))("$kind: $id keeps failing", ({ kind, id }) => {
  test("and the plan goes on, because the step is best effort", async () => {
    const { simulation, plan } = await untilStopped(kind, id, ALWAYS);

    const run = await simulation.record(plan.id);

    expect(run.status).toBe("completed");
    expect(statuses(run)[id]).toBe("failed");
  });
});

describe.each(MOVE_STEPS.filter((step) => !isBestEffort(step)))(
  "$kind: $id keeps failing",
  ({ kind, id }) => {
    test("and the run waits for a person", async () => {
      const { simulation, plan } = await untilStopped(kind, id, ALWAYS);

      const run = await simulation.record(plan.id);

      expect(run.status).toBe("needs-attention");
      expect(run.waitingFor).toContain(`step ${id} failed: made to fail`);
      const record = run.steps.find((step) => step.id === id);
      expect(record).toMatchObject({ status: "failed", error: { code: "UNREACHABLE" } });
    });

    test("and a retry by a person completes the run once it works again", async () => {
      const step = new Simulation().plan(kind).steps.find((candidate) => candidate.id === id);
      const attempts = step?.retry.attempts ?? 0;
      const { simulation, plan } = await untilStopped(kind, id, attempts);

      await simulation.tell(plan.id, { kind: "retry", by: "ann", step: id });
      const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

      expect(run.status).toBe("completed");
      expect(run.steps.find((record) => record.id === id)?.attempts).toBe(attempts + 1);
    });
  },
);

const UNDOABLE = MOVE_STEPS.filter((step) => !isBestEffort(step) && !step.late);

describe.each(UNDOABLE)("$kind: $id keeps failing", ({ kind, id }) => {
  test("and a cancel undoes what began, newest first", async () => {
    const { simulation, plan, log } = await untilStopped(kind, id, ALWAYS);
    const begun = plan.steps.slice(0, plan.steps.findIndex((step) => step.id === id) + 1);
    // Undoing the fence needs the site that was fenced.
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "alive";
    });
    log.length = 0;

    await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });
    const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

    expect(run.status).toBe("undone");
    const undone = begun.filter((step) => step.undo.kind === "action");
    expect(log).toEqual(undone.toReversed().map((step) => `undo ${step.id}`));
    for (const step of undone) expect(statuses(run)[step.id]).toBe("undone");
    expect(simulation.world.site(A).database).toMatchObject({ role: "active", writesOpen: true });
    expect(simulation.world.site(B).database.writesOpen).toBe(false);
    expect(simulation.world.site(A).network.fenced).toBe(false);
    expect(simulation.world.state.traffic.site).toBe(A);
    expect((await simulation.stores.roles.read()).active).toBe(A);
    expect(simulation.world.doubleWriters).toEqual([]);
  });
});

const BEFORE_PROMOTION = UNDOABLE.filter(({ kind, id }) => {
  const ids = new Simulation().plan(kind).steps.map((step) => step.id);
  return ids.indexOf(id) < ids.indexOf("promote-database");
});

describe.each(BEFORE_PROMOTION)("$kind: $id keeps failing", ({ kind, id }) => {
  test("and it makes room for a failover, takes nothing back and says what it left", async () => {
    const { simulation, plan, log } = await untilStopped(kind, id, ALWAYS);
    log.length = 0;

    await simulation.tell(plan.id, { kind: "cancel", ...ROOM });
    const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

    expect(run.status).toBe("superseded");
    expect(log).toEqual([]);
    const last = (await simulation.texts(plan.id)).at(-1);
    expect(last).toMatch(new RegExp(`nothing is taken back; it makes room for dr-2, .*${id}`, "u"));
    expect(await simulation.stores.roles.read()).toMatchObject({ active: A, generation: 2 });
  });
});

const PROMOTING = UNDOABLE.filter((step) => !BEFORE_PROMOTION.includes(step));

describe.each(PROMOTING)("$kind: $id keeps failing", ({ kind, id }) => {
  test("and it makes no room: the site it left is not needed any more", async () => {
    const { simulation, plan } = await untilStopped(kind, id, ALWAYS);

    await simulation.tell(plan.id, { kind: "cancel", ...ROOM });
    await simulation.clock.advance(60_000);

    const texts = await simulation.texts(plan.id);
    expect(texts.at(-1)).toContain(`cancel by decision refused: ${B} is being promoted`);
    expect((await simulation.record(plan.id)).status).toBe("needs-attention");
  });
});

const AFTER_OPENING = MOVE_STEPS.filter((step) => !isBestEffort(step) && step.late);

describe.each(AFTER_OPENING)("$kind: $id keeps failing", ({ kind, id }) => {
  test("and a cancel is refused, because clients were told their writes are safe", async () => {
    const { simulation, plan } = await untilStopped(kind, id, ALWAYS);

    await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });
    await simulation.clock.advance(60_000);

    const texts = await simulation.texts(plan.id);
    expect(texts.at(-1)).toContain(`cancel by ann refused: writes are open at ${B}`);
    expect((await simulation.record(plan.id)).status).toBe("needs-attention");
    expect(simulation.world.site(B).database.writesOpen).toBe(true);
  });

  test("and it makes room for the next move, undoes nothing and says what it left", async () => {
    const { simulation, plan } = await untilStopped(kind, id, ALWAYS);

    await simulation.tell(plan.id, { kind: "cancel", ...ROOM });
    const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

    expect(run.status).toBe("superseded");
    const last = (await simulation.texts(plan.id)).at(-1);
    expect(last).toMatch(new RegExp(`makes room for dr-2, and this was not done: .*${id}`, "u"));
    expect(simulation.world.site(B).database.writesOpen).toBe(true);
    expect(await simulation.stores.roles.read()).toMatchObject({ active: B, generation: 2 });
  });
});

const SKIPPABLE = MOVE_STEPS.filter(
  (step) => !isBestEffort(step) && !PROTECTED.includes(step.action),
);

describe.each(SKIPPABLE)("$kind: $id keeps failing", ({ kind, id }) => {
  test("and a skip is recorded with its reason and goes on", async () => {
    const { simulation, plan } = await untilStopped(kind, id, ALWAYS);

    // For instance because somebody did it by hand.
    simulation.world.strike((state) => {
      state.traffic.site = B;
    });
    const reason = "done by hand";
    await simulation.tell(plan.id, { kind: "skip", by: "ann", step: id, reason });
    const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

    expect(run.status).toBe("completed");
    const record = run.steps.find((step) => step.id === id);
    expect(record).toMatchObject({ status: "skipped", skipped: { by: "ann", reason } });
  });
});

describe.each(MOVE_STEPS.filter((step) => PROTECTED.includes(step.action)))(
  "$kind: $id keeps failing",
  ({ kind, id }) => {
    test("and a skip is refused, because the step protects the data", async () => {
      const { simulation, plan } = await untilStopped(kind, id, ALWAYS);

      await simulation.tell(plan.id, { kind: "skip", by: "ann", step: id, reason: "no matter" });
      await simulation.clock.advance(60_000);

      expect((await simulation.record(plan.id)).status).toBe("needs-attention");
      expect((await simulation.texts(plan.id)).at(-1)).toContain("skip by ann refused");
    });
  },
);

test("a skip that was said of an earlier failure does not skip the next one", async () => {
  let failures = 0;
  const simulation: Simulation = new Simulation(async (call) => {
    if (call.step.id !== step) return call.run();
    // Pressed twice, or by two people: the second one comes while the step is tried again.
    if (failures > 0) await simulation.tell(plan.id, skip);
    failures += 1;
    throw new CloudPhoenixError("UNREACHABLE", "made to fail", { retryable: false });
  });
  prepare(simulation, "dr");
  const plan = simulation.plan("dr");
  const step = plan.steps.find(({ action }) => action.kind === "verify-site")?.id ?? "none";
  const skip = { kind: "skip", by: "ann", step, reason: "seen by hand" } as const;
  await simulation.runner.start(plan, "decision");
  await simulation.untilStatus(plan.id, ({ status }) => status === "needs-attention");
  await simulation.tell(plan.id, { kind: "retry", by: "bob", step });
  await simulation.clock.advance(60_000);

  expect(failures).toBe(2);
  expect((await simulation.record(plan.id)).status).toBe("needs-attention");
  expect(await simulation.texts(plan.id)).toContain(
    `skip by ann refused: step ${step} does not wait for it`,
  );

  await simulation.tell(plan.id, skip);
  const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);
  expect(run.status).toBe("completed");
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

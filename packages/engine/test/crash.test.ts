// Goal: kill -9 at any instant of a plan loses no step and repeats no finished one.
// Method: for every journal operation, die before it, after its work but before it is recorded,
// and after it is recorded; then let a new runner replay the same journal.
import type { PlanKind } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import type { CrashPoint } from "@cloudphoenix/engine";
import { A, B, Simulation } from "./simulation.ts";

interface Observed {
  readonly simulation: Simulation;
  /** How often the handler of each step ran. */
  readonly runs: Map<string, number>;
  readonly operations: number;
}

async function runWithCrash(
  kind: PlanKind,
  crashes: readonly CrashPoint[],
  trouble: (simulation: Simulation) => void = () => undefined,
): Promise<Observed> {
  const runs = new Map<string, number>();
  const simulation = new Simulation((call) => {
    runs.set(call.step.id, (runs.get(call.step.id) ?? 0) + 1);
    return call.run();
  });
  simulation.world.strike((state) => {
    if (kind === "dr") state.sites[A]!.condition = "dead";
    if (kind === "heal") state.sites[A]!.workloads["orders"]!.ready = 0;
  });
  trouble(simulation);
  const plan = simulation.plan(kind);
  let operations = 0;
  for (const crashAt of [...crashes, undefined]) {
    const runner = simulation.newRunner(crashAt);
    await runner.start(plan, "decision");
    runner.recover();
    await simulation.clock.runUntil(
      async () => runner.halted || simulation.journal.find(plan.id)?.ended === true,
      3_600_000,
    );
    operations += runner.operations;
    if (crashAt !== undefined) {
      if (!runner.halted) throw new Error("the run ended before its crash point");
      // What was in flight in the dead process comes to its end without being recorded.
      await simulation.clock.advance(10_000);
    }
  }
  return { simulation, runs, operations };
}

async function expectAsIfNothingHappened(
  kind: PlanKind,
  { simulation, runs }: Observed,
  repeatsMax: number,
): Promise<void> {
  const run = await simulation.record(`run-${kind}`);
  expect(run.status).toBe("completed");
  for (const step of run.steps) expect(step.status).toBe("done");
  const counts = [...runs.values()];
  // Only a step in flight at a crash may run again.
  expect(counts.reduce((sum, count) => sum + count - 1, 0)).toBeLessThanOrEqual(repeatsMax);
  expect(simulation.world.doubleWriters).toEqual([]);
  const active = kind === "heal" ? A : B;
  expect(simulation.world.state.traffic.site).toBe(active);
  expect(await simulation.stores.roles.read()).toMatchObject({ active });
  const events = await simulation.stores.runs.events(run.id);
  expect(new Set(events.map((event) => event.key)).size).toBe(events.length);
  expect(events.filter((event) => event.kind === "run-ended")).toHaveLength(1);
  expect(events.filter((event) => event.kind === "step-done")).toHaveLength(run.steps.length);
}

describe.each(["dr", "switchover", "failback", "heal"] as const)("a %s", (kind) => {
  test("completes after a crash at every operation of its journal", async () => {
    const { operations } = await runWithCrash(kind, []);
    expect(operations).toBeGreaterThan(10);
    for (let operation = 1; operation <= operations; operation += 1) {
      for (const moment of ["before", "unrecorded", "recorded"] as const) {
        const observed = await runWithCrash(kind, [{ operation, moment }]);
        await expectAsIfNothingHappened(kind, observed, moment === "unrecorded" ? 1 : 0);
      }
    }
  });
});

test("a DR run completes although its process dies again and again", async () => {
  const crashes = Array.from(
    { length: 12 },
    (): CrashPoint => ({ operation: 3, moment: "unrecorded" }),
  );
  const observed = await runWithCrash("dr", crashes);
  await expectAsIfNothingHappened("dr", observed, crashes.length);
  expect(observed.simulation.world.state.traffic.site).toBe(B);
});

/** The ways into the old site do not close before the second look. */
function hardToFence({ world }: Simulation): void {
  world.inject({ operation: `shut ${A}`, how: "before", times: 25 });
  world.strike(({ sites }) => {
    sites[A]!.condition = "isolated";
  });
}

test("a DR run that asked people goes on by itself after a crash at every operation of its journal", async () => {
  const { simulation, operations } = await runWithCrash("dr", [], hardToFence);
  const texts = await simulation.texts("run-dr");
  expect(texts.filter((text) => text.startsWith("fence-site is done after all"))).toHaveLength(1);
  for (let operation = 1; operation <= operations; operation += 1) {
    for (const moment of ["before", "unrecorded", "recorded"] as const) {
      const observed = await runWithCrash("dr", [{ operation, moment }], hardToFence);
      const run = await observed.simulation.record("run-dr");
      expect(run).toMatchObject({ status: "completed", approvals: [] });
      expect(observed.simulation.world.doubleWriters).toEqual([]);
      const events = await observed.simulation.stores.runs.events(run.id);
      expect(new Set(events.map((event) => event.key)).size).toBe(events.length);
      expect(events.filter((event) => event.kind === "run-ended")).toHaveLength(1);
    }
  }
});

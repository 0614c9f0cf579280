import type { Plan } from "@cloudphoenix/core";
import { expect, test } from "vitest";
import { SharedJournal } from "../src/simulator/journal.ts";
import { JournaledRunner } from "../src/simulator/journaled-runner.ts";
import { Process } from "../src/simulator/process.ts";
import { Scheduler } from "../src/simulator/scheduler.ts";

const PLAN: Plan = {
  id: "run-1",
  kind: "dr",
  application: "shop",
  generation: 2,
  parentGeneration: 1,
  createdAtMs: 1_000,
  from: "a",
  to: "b",
  reason: "test",
  onFailure: "wait",
  steps: [],
};

/** A runner that leads, with one step of `stepMs` in every run. */
function leading(stepMs: number): {
  readonly scheduler: Scheduler;
  readonly journal: SharedJournal;
  readonly runner: JournaledRunner;
  readonly begunMs: readonly number[];
} {
  const scheduler = new Scheduler();
  const process = new Process("controller-2", scheduler);
  const journal = new SharedJournal();
  const begunMs: number[] = [];
  const runner = new JournaledRunner({
    process,
    journal,
    program: {
      interpret: (context) =>
        context.step("only", async () => {
          begunMs.push(scheduler.nowMs);
          await process.clock.sleep(stepMs);
          return null;
        }),
      executeBranch: async () => null,
    },
    ask: async (effect) => effect(),
    subscribe: () => undefined,
    announce: () => undefined,
    onStart: () => undefined,
    onDefect: (_runId, error) => {
      throw error;
    },
    gone: new AbortController().signal,
  });
  return { scheduler, journal, runner, begunMs };
}

test("a run that another process picked up and left is executed after two looks", async () => {
  const { scheduler, journal, runner, begunMs } = leading(100);
  await runner.recover();
  const run = journal.open(PLAN, "test");
  journal.pickUp(run, { before: null, by: "controller-1/1/1" });
  await scheduler.run(10_000);
  expect([run.ended, begunMs]).toEqual([true, [4_000]]);
});

test("a run that is executed here is not begun again, however long its step takes", async () => {
  const { scheduler, journal, runner, begunMs } = leading(9_000);
  await runner.recover();
  await runner.start(PLAN, "test");
  await scheduler.run(10_000);
  expect([journal.find("run-1")?.ended, begunMs]).toEqual([true, [0]]);
});

import type { Json, Plan, RunCommand } from "@cloudphoenix/core";
import type { DurableContext, Leadership } from "@cloudphoenix/engine";
import { afterEach, describe, expect, test } from "vitest";
import { DbosPlanRunner, type DbosPlanRunnerOptions } from "../src/index.ts";
import { samplePlan } from "./sample-plan.ts";
import { query, systemClock, useStateServer } from "./state-server.ts";

const { launchedUrl } = useStateServer();

type Interpret = (context: DurableContext, plan: Plan, startedBy: string) => Promise<Json>;

let running: DbosPlanRunner | null = null;

afterEach(async () => {
  await running?.close();
  running = null;
});

const forever = new AbortController().signal;

async function launch(
  url: string,
  interpret: Interpret,
  options: Partial<DbosPlanRunnerOptions> = {},
): Promise<DbosPlanRunner> {
  running = await DbosPlanRunner.launch({
    url,
    leadership: { epoch: 1, lost: forever },
    interpret,
    executeBranch: async (_context, _plan, stepId) => stepId,
    clock: systemClock,
    log: () => undefined,
    ...options,
  });
  return running;
}

/** Lets the test see when an interpreter got somewhere. */
function milestone(): { readonly reached: Promise<void>; readonly reach: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { reached: promise, reach: () => resolve() };
}

const pause: RunCommand = { kind: "pause", by: "ann" };
const cancel: RunCommand = { kind: "cancel", by: "ann", reason: "drill over" };

describe("starting a plan", () => {
  test("hands the plan and who started it to the interpreter, once", async () => {
    const seen: unknown[] = [];
    const runner = await launch(await launchedUrl(), async (context, plan, startedBy) => {
      await context.step("only", async () => {
        seen.push([context.runId, plan, startedBy]);
        return null;
      });
      return null;
    });
    const plan = samplePlan("run-1");
    await runner.start(plan, "operator:ann");
    await runner.start({ ...plan, reason: "edited" }, "operator:bob");
    await runner.ended("run-1", forever);
    await runner.start(plan, "operator:ann");
    await runner.ended("run-1", forever);
    expect(seen).toEqual([["run-1", plan, "operator:ann"]]);
  });

  test("is left to the leader", async () => {
    const lost = AbortSignal.abort();
    const launched = launch(await launchedUrl(), async () => null, {
      leadership: { epoch: 1, lost },
    });
    await expect(launched).rejects.toMatchObject({ code: "NOT_LEADER" });
  });

  test("says that the database is missing, and the next launch works", async () => {
    const nowhere = launch("postgresql://nobody@127.0.0.1:1/state", async () => null);
    await expect(nowhere).rejects.toMatchObject({ code: "STATE_UNAVAILABLE", retryable: true });
    const runner = await launch(await launchedUrl(), async () => null);
    await runner.start(samplePlan("run-1"), "test");
    await runner.ended("run-1", forever);
  });
});

/** A run that is alive until somebody tells it something. */
const untilTold: Interpret = async (context) => {
  await context.receive(60_000);
  return null;
};

/** How often the queue is looked at, in milliseconds. */
async function pace(url: string): Promise<unknown> {
  const [row] = await query(url, "select polling_interval_sec * 1000 as ms from dbos.queues");
  return row?.["ms"];
}

describe("the queue of runs", () => {
  test("is looked at often while a run is alive, and seldom otherwise", async () => {
    const url = await launchedUrl();
    const runner = await launch(url, untilTold);
    expect(await pace(url)).toBe(250);
    await runner.start(samplePlan("run-1"), "test");
    await expect.poll(() => pace(url)).toBe(50);
    await runner.command("run-1", pause, "end it");
    await runner.ended("run-1", forever);
    await expect.poll(() => pace(url)).toBe(250);
  });

  test("keeps its pace for whoever takes an unfinished run over", async () => {
    const url = await launchedUrl();
    const first = await launch(url, untilTold);
    await first.start(samplePlan("run-1"), "test");
    await expect.poll(() => pace(url)).toBe(50);
    await first.close();
    const second = await launch(url, untilTold);
    expect(await pace(url)).toBe(50);
    await second.command("run-1", pause, "end it");
    await second.ended("run-1", forever);
    await expect.poll(() => pace(url)).toBe(250);
  });
});

describe("waiting for the end of a run", () => {
  test("ends when the caller gives up", async () => {
    let over = false;
    const runner = await launch(await launchedUrl(), async (context) => {
      await context.receive(60_000);
      over = true;
      return null;
    });
    await runner.start(samplePlan("run-1"), "test");
    await runner.ended("run-1", AbortSignal.timeout(150));
    expect(over).toBe(false);
    await runner.command("run-1", pause, "end it");
    await runner.ended("run-1", forever);
    expect(over).toBe(true);
  });

  test("tells a run that was never started from one that broke", async () => {
    const runner = await launch(await launchedUrl(), async () => {
      throw new Error("a defect");
    });
    await expect(runner.ended("run-9", forever)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await runner.start(samplePlan("run-1"), "test");
    await expect(runner.ended("run-1", forever)).rejects.toMatchObject({
      code: "INTERNAL",
      message: expect.stringContaining("a defect"),
    });
  });
});

describe("commands", () => {
  test("arrive in order, and each key once", async () => {
    const received: (string | null)[] = [];
    const runner = await launch(await launchedUrl(), async (context) => {
      for (const limitMs of [30_000, 30_000, 300]) {
        received.push((await context.receive(limitMs))?.by ?? null);
      }
      return null;
    });
    await runner.start(samplePlan("run-1"), "test");
    await runner.command("run-1", { ...pause, by: "ann" }, "key-1");
    await runner.command("run-1", { ...pause, by: "ann" }, "key-1");
    await runner.command("run-1", { ...pause, by: "bob" }, "key-2");
    await runner.ended("run-1", forever);
    expect(received).toEqual(["ann", "bob", null]);
  });

  test("for a run that is over or never was are refused", async () => {
    const runner = await launch(await launchedUrl(), async () => null);
    await runner.start(samplePlan("run-1"), "test");
    await runner.ended("run-1", forever);
    for (const runId of ["run-1", "run-9"]) {
      await expect(runner.command(runId, pause, "key")).rejects.toMatchObject({
        code: "NOT_FOUND",
        hint: expect.stringContaining("List the runs"),
      });
    }
  });

  test("that cancel abort the step in flight, which finds the reason in its mailbox", async () => {
    const begun = milestone();
    const seen: Json[] = [];
    const runner = await launch(await launchedUrl(), async (context) => {
      const outcome = await context.step("long", async (signal) => {
        begun.reach();
        await new Promise((settle) => signal.addEventListener("abort", settle));
        return "aborted";
      });
      seen.push(outcome, (await context.receive(0))?.kind ?? null);
      return null;
    });
    await runner.start(samplePlan("run-1"), "test");
    await begun.reached;
    await runner.command("run-1", cancel, "key-1");
    await runner.ended("run-1", forever);
    expect(seen).toEqual(["aborted", "cancel"]);
  });

  test("that cancel reach the steps of branches too, and no other run's", async () => {
    const begun = { one: milestone(), two: milestone() };
    const aborted: string[] = [];
    const executeBranch = async (
      context: DurableContext,
      plan: Plan,
      stepId: string,
    ): Promise<Json> =>
      context.step(stepId, async (signal) => {
        signal.addEventListener("abort", () => aborted.push(`${plan.id} ${stepId}`));
        if (plan.id === "run-1") {
          begun[stepId === "one" ? "one" : "two"].reach();
          await new Promise((settle) => signal.addEventListener("abort", settle));
        }
        return stepId;
      });
    const runner = await launch(
      await launchedUrl(),
      async (context, plan) => [...(await context.branches(plan, ["one", "two"]))],
      { executeBranch },
    );
    await runner.start(samplePlan("run-2"), "test");
    await runner.start(samplePlan("run-1"), "test");
    await Promise.all([begun.one.reached, begun.two.reached]);
    await runner.command("run-1", cancel, "key-1");
    await runner.ended("run-1", forever);
    await runner.ended("run-2", forever);
    expect(aborted.toSorted()).toEqual(["run-1 one", "run-1 two"]);
  });
});

describe("branches", () => {
  test("return what each step came to, in the order of the plan", async () => {
    let outcomes: readonly Json[] = [];
    const runner = await launch(
      await launchedUrl(),
      async (context, plan) => {
        const first = await context.branches(plan, ["one", "two"]);
        const second = await context.branches(plan, ["two"]);
        outcomes = [...first, ...second];
        return null;
      },
      {
        executeBranch: async (context, plan, stepId) => {
          await context.sleep(stepId === "one" ? 300 : 0);
          return { run: context.runId, plan: plan.id, stepId };
        },
      },
    );
    await runner.start(samplePlan("run-1"), "test");
    await runner.ended("run-1", forever);
    const one = { run: "run-1", plan: "run-1", stepId: "one" };
    const two = { ...one, stepId: "two" };
    expect(outcomes).toEqual([one, two, two]);
  });
});

describe("a runner that stops", () => {
  test("leaves its run to the next one, which replays what is recorded and goes on", async () => {
    const url = await launchedUrl();
    const begun = milestone();
    const done: string[] = [];
    const interpret: Interpret = async (context) => {
      const value = await context.step("first", async () => {
        done.push("first");
        return done.length;
      });
      await context.step("second", async (signal) => {
        done.push(`second after ${value}`);
        if (done.length === 2) {
          begun.reach();
          await new Promise((settle) => signal.addEventListener("abort", settle));
        }
        return null;
      });
      return null;
    };
    const before = await launch(url, interpret);
    await before.start(samplePlan("run-1"), "test");
    await begun.reached;
    await before.close();

    const after = await launch(url, interpret);
    await after.ended("run-1", forever);
    // Aborting a step because the process leaves is not an outcome of the step.
    expect(done).toEqual(["first", "second after 1", "second after 1"]);
  });

  test("because it no longer leads lets nothing more happen", async () => {
    const url = await launchedUrl();
    const begun = milestone();
    const leading = new AbortController();
    const leadership: Leadership = { epoch: 1, lost: leading.signal };
    const done: string[] = [];
    const interpret: Interpret = async (context) => {
      await context.step("first", async () => {
        begun.reach();
        await new Promise((settle) => leading.signal.addEventListener("abort", settle));
        return null;
      });
      done.push("went on");
      return null;
    };
    const runner = await launch(url, interpret, { leadership });
    await runner.start(samplePlan("run-1"), "test");
    await begun.reached;
    leading.abort();
    const refused = { code: "NOT_LEADER", retryable: true };
    await expect(runner.start(samplePlan("run-2"), "test")).rejects.toMatchObject(refused);
    await expect(runner.command("run-1", pause, "key")).rejects.toMatchObject(refused);
    await expect(runner.ended("run-1", forever)).rejects.toMatchObject(refused);
    // Many times what it takes to record a step.
    for (let look = 0; look < 20; look += 1) await query(url, "select 1");
    await runner.close();
    const steps = await query(url, "select function_name from dbos.operation_outputs");
    expect([done, steps]).toEqual([[], []]);
  });
});

async function waitForAnything(context: DurableContext): Promise<Json> {
  await context.receive(60_000);
  return null;
}

describe("a launch", () => {
  test("reports runs it cannot resume and runs that were resumed suspiciously often", async () => {
    const url = await launchedUrl();
    const before = await launch(url, waitForAnything);
    for (const id of ["old", "restless", "fine"]) await before.start(samplePlan(id), "test");
    await before.close();
    await query(
      url,
      `update dbos.workflow_status set application_version = 'plan-engine-0'
       where workflow_uuid = 'old'`,
    );
    await query(
      url,
      "update dbos.workflow_status set recovery_attempts = 50 where workflow_uuid = 'restless'",
    );
    const warnings: string[] = [];
    const after = await launch(url, waitForAnything, {
      log: (level, message) => (level === "warn" ? warnings.push(message) : undefined),
    });
    expect(after.concerns.map(({ runId, kind }) => `${runId}: ${kind}`).toSorted()).toEqual([
      "old: other-version",
      "restless: often-recovered",
    ]);
    expect(warnings.join("\n")).toContain("plan-engine-0");
  });

  test("ends for good what it cannot resume, and says why of every run that is over", async () => {
    const url = await launchedUrl();
    const before = await launch(url, async (context) => {
      if (context.runId === "broken") throw new Error("a defect");
      return waitForAnything(context);
    });
    for (const id of ["old", "broken", "fine"]) await before.start(samplePlan(id), "test");
    await expect(before.ended("broken", forever)).rejects.toMatchObject({ code: "INTERNAL" });
    await before.close();
    await query(
      url,
      `update dbos.workflow_status set application_version = 'plan-engine-0'
       where workflow_uuid = 'old'`,
    );
    const after = await launch(url, waitForAnything);
    expect(after.resumed).toEqual([{ id: "fine", kind: "dr", to: "azure-westeurope" }]);
    expect(await after.brokenBecause("fine")).toBeNull();
    expect(await after.brokenBecause("broken")).toContain("a defect");
    expect(await after.brokenBecause("old")).toContain("plan-engine-0");
    expect(await after.brokenBecause("never started")).toContain("knows nothing");
    await expect(after.command("old", pause, "key")).rejects.toMatchObject({ code: "NOT_FOUND" });
    const [row] = await query(
      url,
      "select status from dbos.workflow_status where workflow_uuid = 'old'",
    );
    expect(row).toEqual({ status: "CANCELLED" });
  });
});

import type { Json, Plan } from "@cloudphoenix/core";
import type { Clock, DurableContext } from "@cloudphoenix/engine";
import { afterEach, describe, expect, test } from "vitest";
import { DbosPlanRunner } from "../src/index.ts";
import { samplePlan } from "./sample-plan.ts";
import { query, systemClock, useStateServer } from "./state-server.ts";

const { launchedUrl } = useStateServer();
const forever = new AbortController().signal;
const limit = { timeout: 60_000 };
const LOOK_MS = 2_000;

let running: DbosPlanRunner | null = null;

afterEach(async () => {
  await running?.close();
  running = null;
});

type Interpret = (context: DurableContext, plan: Plan) => Promise<Json>;
type Branch = (context: DurableContext, plan: Plan, stepId: string) => Promise<Json>;

interface Launched {
  readonly runner: DbosPlanRunner;
  readonly warnings: readonly string[];
  /** How many looks the runner has waited for. */
  readonly looks: () => number;
}

/** A runner whose looks come four times as often. */
async function launch(
  url: string,
  interpret: Interpret,
  branch: Branch = nothing,
): Promise<Launched> {
  const warnings: string[] = [];
  let looks = 0;
  const clock: Clock = {
    now: () => systemClock.now(),
    sleep: async (ms, signal) => {
      await systemClock.sleep(ms === LOOK_MS ? ms / 4 : ms, signal);
      if (ms === LOOK_MS) looks += 1;
    },
  };
  running = await DbosPlanRunner.launch({
    url,
    leadership: { epoch: 1, lost: forever },
    interpret,
    executeBranch: branch,
    clock,
    log: (level, message) => (level === "warn" ? warnings.push(message) : undefined),
  });
  return { runner: running, warnings, looks: () => looks };
}

const nothing: Branch = async () => null;
const branching: Interpret = async (context, plan) => [...(await context.branches(plan, ["one"]))];

/** What is begun is from now on the work of a process that is not there. */
async function giveAway(url: string, from: "PENDING" | "CANCELLED"): Promise<void> {
  await query(
    url,
    `update dbos.workflow_status
     set status = 'PENDING', owner_xid = 'somebody-else', started_at_epoch_ms = 1_000
     where status = $1`,
    [from],
  );
}

describe("a run that a former leader took from the queue and left", () => {
  test("is executed to its end by whoever leads, branches included", limit, async () => {
    const url = await launchedUrl();
    const begun = Promise.withResolvers<null>();
    const former = await launch(url, branching, async (context) =>
      context.step("never over", async (signal) => {
        begun.resolve(null);
        await new Promise((settle) => signal.addEventListener("abort", settle));
        return null;
      }),
    );
    await former.runner.start(samplePlan("run-1"), "test");
    await begun.promise;
    await former.runner.close();
    // Not there while the next leader looks for unfinished runs, and then it is.
    await query(url, "update dbos.workflow_status set status = 'CANCELLED'");
    const executed: string[] = [];
    const { runner, warnings } = await launch(url, branching, async (context, _plan, stepId) =>
      context.step("over at once", async () => {
        executed.push(stepId);
        return null;
      }),
    );
    expect(runner.resumed).toEqual([]);
    await giveAway(url, "CANCELLED");
    await runner.ended("run-1", AbortSignal.timeout(50_000));
    expect(await runner.brokenBecause("run-1")).toBe("it ended without saying how");
    expect(executed).toEqual(["one"]);
    expect(warnings.filter((text) => text.includes("taken over")).toSorted()).toEqual([
      "run run-1 was begun and nobody executes it any more: it is taken over",
      "run run-1/1/one was begun and nobody executes it any more: it is taken over",
    ]);
  });

  test(
    "after this one had begun it is taken back as soon as this one was refused",
    limit,
    async () => {
      const url = await launchedUrl();
      const begun = Promise.withResolvers<null>();
      const handedOver = Promise.withResolvers<null>();
      let executions = 0;
      const { runner } = await launch(url, async (context) =>
        context.step("only", async () => {
          executions += 1;
          begun.resolve(null);
          await handedOver.promise;
          return null;
        }),
      );
      await runner.start(samplePlan("run-1"), "test");
      await begun.promise;
      await giveAway(url, "PENDING");
      handedOver.resolve(null);
      await runner.ended("run-1", AbortSignal.timeout(50_000));
      expect(await runner.brokenBecause("run-1")).toBe("it ended without saying how");
      expect(executions).toBe(2);
    },
  );
});

test("a step that takes longer than many looks is not begun a second time", limit, async () => {
  const begun: string[] = [];
  let during: readonly string[] = ["it did not end"];
  const { runner, warnings, looks } = await launch(
    await launchedUrl(),
    branching,
    async (context, _plan, stepId) =>
      context.step("long", async () => {
        begun.push(stepId);
        const from = looks();
        await expect.poll(looks, { timeout: 20_000 }).toBeGreaterThan(from + 4);
        during = [...warnings];
        return null;
      }),
  );
  await runner.start(samplePlan("run-1"), "test");
  await runner.ended("run-1", forever);
  expect(begun).toEqual(["one"]);
  expect(during).toEqual([]);
});

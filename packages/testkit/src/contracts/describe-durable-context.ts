/** The invariants of `DurableContext` and `PlanRunner`, as tests any implementation must pass. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type { Json, Plan, RunCommand } from "@cloudphoenix/core";
import type { DurableContext, RunProgram } from "@cloudphoenix/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Gate, contractPlan, contractStep } from "./contract-plan.ts";
import type { RunnerContract, RunnerHarness } from "./runner-harness.ts";

type Script = (context: DurableContext) => Promise<Json>;

const PAUSE: RunCommand = { kind: "pause", by: "ann" };
const RESUME: RunCommand = { kind: "resume", by: "ann" };
const CANCEL: RunCommand = { kind: "cancel", by: "ann", reason: "enough" };
const FOREVER = new AbortController().signal;

/** Declares the suite for one implementation. */
export function describeDurableContext({ name, setup }: RunnerContract): void {
  describe(`durable context of ${name}`, () => {
    let harness: RunnerHarness;
    let script: Script;
    let branch: (context: DurableContext, stepId: string) => Promise<Json>;

    beforeEach(async () => {
      script = async () => null;
      branch = async () => null;
      const program = (): RunProgram => ({
        interpret: (context) => script(context),
        executeBranch: (context, _plan, stepId) => branch(context, stepId),
      });
      harness = await setup(program);
    });

    afterEach(async () => {
      await harness.stop();
    });

    test("a finished step never runs again, and its value is kept", async () => {
      const gate = new Gate();
      let runs = 0;
      const values: Json[] = [];
      script = async (context) => {
        const value = await context.step("counted", async () => {
          runs += 1;
          return { run: runs, nested: [1, "two", null] };
        });
        await context.step("gate", (signal) => gate.pass(signal));
        values.push(value);
        return null;
      };
      const { id } = await started(plan());
      await harness.until(() => gate.arrivals === 1);
      await harness.restart();
      await harness.until(() => gate.arrivals === 2);
      gate.open();
      await end(id);
      expect(runs).toBe(1);
      expect(values).toEqual([{ run: 1, nested: [1, "two", null] }]);
    });

    test("a sleep ends at the instant fixed before the process died", async () => {
      const sleepMs = 4_000;
      let endedAtMs = 0;
      let resumedAtMs = 0;
      let startedAtMs = 0;
      script = async (context) => {
        startedAtMs = await context.step("start", async () => harness.clock.now());
        await context.sleep(sleepMs);
        endedAtMs = harness.clock.now();
        return null;
      };
      const { id } = await started(plan());
      await harness.until(
        () => startedAtMs > 0 && harness.clock.now() - startedAtMs >= sleepMs / 2,
      );
      await harness.restart();
      resumedAtMs = harness.clock.now();
      await end(id);
      expect(endedAtMs - startedAtMs).toBeGreaterThanOrEqual(sleepMs);
      // A sleep that began anew would last `sleepMs` from here.
      expect(endedAtMs - resumedAtMs).toBeLessThan(sleepMs);
    });

    test("commands come in order, once, and again only on replay", async () => {
      const gate = new Gate();
      const seen: Json[][] = [];
      script = async (context) => {
        const first = await context.receive(60_000);
        const second = await context.receive(60_000);
        await context.step("gate", (signal) => gate.pass(signal));
        const third = await context.receive(0);
        seen.push([kindOf(first), kindOf(second), kindOf(third)]);
        return null;
      };
      const { id } = await started(plan());
      await harness.runner.command(id, PAUSE, "one");
      await harness.runner.command(id, PAUSE, "one");
      await harness.runner.command(id, RESUME, "two");
      await harness.until(() => gate.arrivals === 1);
      await harness.restart();
      await harness.until(() => gate.arrivals === 2);
      gate.open();
      await end(id);
      expect(seen).toEqual([["pause", "resume", null]]);
    });

    test("a command that waited while the process was dead is handed out", async () => {
      const gate = new Gate();
      let seen: Json = null;
      script = async (context) => {
        await context.step("gate", (signal) => gate.pass(signal));
        seen = kindOf(await context.receive(60_000));
        return null;
      };
      const { id } = await started(plan());
      await harness.until(() => gate.arrivals === 1);
      await harness.runner.command(id, PAUSE, "one");
      await harness.restart();
      gate.open();
      await end(id);
      expect(seen).toBe("pause");
    });

    test("a wait for a command ends with null", async () => {
      let seen: Json = "nothing yet";
      script = async (context) => {
        seen = kindOf(await context.receive(50));
        return null;
      };
      const { id } = await started(plan());
      await end(id);
      expect(seen).toBeNull();
    });

    test("a cancel aborts the step in flight, and what the step then answers counts", async () => {
      const gate = new Gate();
      const seen: Json[] = [];
      script = async (context) => {
        const answer = await context.step("gate", (signal) => gate.pass(signal));
        seen.push(answer, kindOf(await context.receive(10_000)));
        const after = await context.step("after", async (signal) => signal.aborted);
        seen.push(after);
        return null;
      };
      const { id } = await started(plan());
      await harness.until(() => gate.arrivals === 1);
      await harness.runner.command(id, CANCEL, "one");
      await end(id);
      expect(seen).toEqual(["aborted", "cancel", false]);
    });

    test("branches answer in order, and a finished branch is not repeated", async () => {
      const gate = new Gate();
      const runs: string[] = [];
      let answers: readonly Json[] = [];
      branch = async (context, stepId) => {
        await context.step(`work:${stepId}`, async () => {
          runs.push(stepId);
          return null;
        });
        if (stepId === "one") await context.step("gate", (signal) => gate.pass(signal));
        return { stepId };
      };
      // The plan of the run itself: branches belong to the run by the id of their plan.
      const forked = plan();
      script = async (context) => {
        answers = await context.branches(forked, ["one", "two"]);
        return null;
      };
      const { id } = await started(forked);
      await harness.until(() => gate.arrivals === 1 && runs.includes("two"));
      await harness.restart();
      await harness.until(() => gate.arrivals === 2);
      gate.open();
      await end(id);
      expect(answers).toEqual([{ stepId: "one" }, { stepId: "two" }]);
      expect(runs.toSorted((a, b) => a.localeCompare(b))).toEqual(["one", "two"]);
    });

    test("a cancel aborts the steps of branches too", async () => {
      const gates = [new Gate(), new Gate()] as const;
      let answers: readonly Json[] = [];
      branch = (context, stepId) =>
        context.step(`gate:${stepId}`, (signal) => gates[stepId === "one" ? 0 : 1].pass(signal));
      // The plan of the run itself: branches belong to the run by the id of their plan.
      const forked = plan();
      script = async (context) => {
        answers = await context.branches(forked, ["one", "two"]);
        return null;
      };
      const { id } = await started(forked);
      await harness.until(() => gates.every((gate) => gate.arrivals === 1));
      await harness.runner.command(id, CANCEL, "one");
      await end(id);
      expect(answers).toEqual(["aborted", "aborted"]);
    });

    test("starting a plan again attaches to its run", async () => {
      const gate = new Gate();
      script = async (context) => context.step("gate", (signal) => gate.pass(signal));
      const twice = await started(plan());
      await harness.until(() => gate.arrivals === 1);
      await harness.runner.start(twice, "operator:ann");
      gate.open();
      await end(twice.id);
      await harness.runner.start(twice, "operator:ann");
      await end(twice.id);
      expect(gate.arrivals).toBe(1);
    });

    test("the wait for an end can be given up", async () => {
      const gate = new Gate();
      script = async (context) => context.step("gate", (signal) => gate.pass(signal));
      const { id } = await started(plan());
      const giveUp = new AbortController();
      const waiting = harness.runner.ended(id, giveUp.signal);
      giveUp.abort();
      await expect(waiting).resolves.toBeUndefined();
      gate.open();
      await end(id);
    });

    test("a run that is not alive refuses commands", async () => {
      const { id } = await started(plan());
      await end(id);
      const late = harness.runner.command(id, PAUSE, "one");
      await expect(late).rejects.toMatchObject({ code: "NOT_FOUND" });
      const unknown = harness.runner.command("no-such-run", PAUSE, "one");
      await expect(unknown).rejects.toMatchObject({ code: "NOT_FOUND" });
    });

    async function started(what: Plan): Promise<Plan> {
      await harness.runner.start(what, "operator:ann");
      return what;
    }

    async function end(id: string): Promise<void> {
      let over = false;
      const waiting = harness.runner.ended(id, FOREVER).then(() => {
        over = true;
        return null;
      });
      await harness.until(() => over);
      await waiting;
    }
  });
}

function plan(): Plan {
  return contractPlan([contractStep("one"), contractStep("two")]);
}

function kindOf(command: RunCommand | null): string | null {
  return command === null ? null : command.kind;
}

/** How plans run on a runner: the same semantics in memory and in a durable engine. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import { CloudPhoenixError, type Json, type Plan, type RunRecord } from "@cloudphoenix/core";
import { MemoryAuditLog, MemoryRoleStore, MemoryRunStore, planProgram } from "@cloudphoenix/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SeededRandom } from "../seeded-random.ts";
import {
  type ContractWork,
  Gate,
  contractHandlers,
  contractPlan,
  contractStep,
} from "./contract-plan.ts";
import { describeDurableContext } from "./describe-durable-context.ts";
import type { RunnerContract, RunnerHarness } from "./runner-harness.ts";

/** Declares the suites of `DurableContext` and of plans for one implementation. */
export function describePlanRunner(contract: RunnerContract): void {
  describeDurableContext(contract);

  describe(`plans on ${contract.name}`, () => {
    let harness: RunnerHarness;
    let runs: MemoryRunStore;
    let roles: MemoryRoleStore;
    let work: ContractWork;
    let log: string[];

    beforeEach(async () => {
      // The stores stand outside the process that dies, as a database does.
      runs = new MemoryRunStore();
      const active = "site-a";
      roles = new MemoryRoleStore({ generation: 1, active, claimedBy: null, protected: true });
      log = [];
      work = async () => null;
      const handlers = contractHandlers(async (call) => {
        log.push(call.undo ? `undo ${call.step}` : call.step);
        return work(call);
      });
      harness = await contract.setup((clock) =>
        planProgram({
          clock,
          random: new SeededRandom(1),
          roles,
          runs,
          audit: new MemoryAuditLog(),
          handlers,
        }),
      );
    });

    afterEach(async () => {
      await harness.stop();
    });

    const line = [
      contractStep("one"),
      contractStep("two", ["one"]),
      contractStep("three", ["two"]),
    ];

    test("steps run in order and the run completes", async () => {
      const run = await ended(await started(contractPlan(line)));
      expect(run.status).toBe("completed");
      expect(run.startedBy).toBe("operator:ann");
      expect(log).toEqual(["one", "two", "three"]);
    });

    test("a move claims its generation, and a late one is refused", async () => {
      const move = { kind: "region", generation: 2, to: "site-b" } as const;
      const first = await ended(await started(contractPlan(line, move)));
      const second = await ended(await started(contractPlan(line, move)));
      expect([first.status, second.status]).toEqual(["completed", "superseded"]);
      expect(await roles.read()).toMatchObject({ generation: 2, claimedBy: first.id });
      expect(log).toEqual(["one", "two", "three"]);
    });

    test("a process that dies loses no step and repeats only the one in flight", async () => {
      const gate = new Gate();
      work = async ({ step, signal }) => (step === "two" ? gate.pass(signal) : null);
      const plan = await started(contractPlan(line));
      await harness.until(() => gate.arrivals === 1);
      await harness.restart();
      await harness.until(() => gate.arrivals === 2);
      gate.open();
      const run = await ended(plan);
      expect(run.status).toBe("completed");
      expect(log).toEqual(["one", "two", "two", "three"]);
      const events = await runs.events(plan.id);
      expect(events.filter((event) => event.kind === "step-done")).toHaveLength(3);
    });

    test("a step that fails is tried again and then waits for a person", async () => {
      work = failing("two");
      const plan = await started(contractPlan(line));
      await status(plan, "needs-attention");
      expect(log).toEqual(["one", "two", "two"]);
      work = async () => null;
      await harness.runner.command(plan.id, { kind: "retry", by: "ann", step: "two" }, "one");
      const run = await ended(plan);
      expect(run.status).toBe("completed");
      expect(run.steps[1]).toMatchObject({ status: "done", attempts: 3 });
    });

    test("a failed step can be skipped with a reason", async () => {
      work = failing("two");
      const plan = await started(contractPlan(line));
      await status(plan, "needs-attention");
      const skip = { kind: "skip", by: "ann", step: "two", reason: "done by hand" } as const;
      await harness.runner.command(plan.id, skip, "one");
      const run = await ended(plan);
      expect(run.status).toBe("completed");
      expect(run.steps[1]).toMatchObject({
        status: "skipped",
        skipped: { by: "ann", reason: "done by hand" },
      });
    });

    test("a cancel ends the step in flight and undoes what began, newest first", async () => {
      const gate = new Gate();
      work = async ({ step, undo, signal }) => {
        if (step !== "two" || undo) return null;
        await gate.pass(signal);
        throw new CloudPhoenixError("ABORTED", "stopped", { retryable: true });
      };
      const plan = await started(contractPlan(line));
      await harness.until(() => gate.arrivals === 1);
      await harness.runner.command(plan.id, { kind: "cancel", by: "ann", reason: "no" }, "one");
      const run = await ended(plan);
      expect(run.status).toBe("undone");
      expect(log).toEqual(["one", "two", "undo two", "undo one"]);
    });

    test("steps without order between them run at once and survive a dying process", async () => {
      const gate = new Gate();
      work = async ({ step, signal }) => (step === "left" ? gate.pass(signal) : null);
      const fork = [
        contractStep("left"),
        contractStep("right"),
        contractStep("join", ["left", "right"]),
      ];
      const plan = await started(contractPlan(fork));
      await harness.until(async () => {
        const run = await runs.get(plan.id);
        return gate.arrivals === 1 && run?.steps[1]?.status === "done";
      });
      await harness.restart();
      await harness.until(() => gate.arrivals === 2);
      gate.open();
      const run = await ended(plan);
      expect(run.status).toBe("completed");
      expect(log.filter((step) => step === "right")).toHaveLength(1);
      expect(log.at(-1)).toBe("join");
    });

    test("an approval given before the process dies counts after it", async () => {
      work = async ({ step }) =>
        step === "two" ? { approvalNeeded: { approvers: 2, question: "Go on?" } } : null;
      const plan = await started(contractPlan(line));
      await status(plan, "waiting-approval");
      await approve(plan, "bob");
      await harness.until(async () => (await runs.get(plan.id))?.approvals.length === 1);
      await harness.restart();
      await approve(plan, "carol");
      const run = await ended(plan);
      expect(run.status).toBe("completed");
      expect(run.approvals.map((approval) => approval.by)).toEqual(["bob", "carol"]);
      expect(log).toEqual(["one", "two", "three"]);
    });

    test("a paused run stays paused when its process dies", async () => {
      const gate = new Gate();
      work = async ({ step, signal }) => (step === "one" ? gate.pass(signal) : null);
      const plan = await started(contractPlan(line));
      await harness.until(() => gate.arrivals === 1);
      await harness.runner.command(plan.id, { kind: "pause", by: "ann" }, "one");
      gate.open();
      await status(plan, "paused");
      await harness.restart();
      expect(log).toEqual(["one"]);
      await harness.runner.command(plan.id, { kind: "resume", by: "ann" }, "two");
      expect((await ended(plan)).status).toBe("completed");
    });

    async function started(plan: Plan): Promise<Plan> {
      await harness.runner.start(plan, "operator:ann");
      return plan;
    }

    async function status(plan: Plan, wanted: RunRecord["status"]): Promise<void> {
      await harness.until(async () => (await runs.get(plan.id))?.status === wanted);
    }

    async function approve(plan: Plan, by: string): Promise<void> {
      const command = { kind: "approve", by, comment: "seen", question: 1 } as const;
      await harness.runner.command(plan.id, command, `approve-${by}`);
    }

    async function ended(plan: Plan): Promise<RunRecord> {
      await harness.until(async () => typeof (await runs.get(plan.id))?.endedAtMs === "number");
      const run = await runs.get(plan.id);
      if (run === null) throw new Error(`no record of ${plan.id}`);
      return run;
    }
  });
}

function failing(failed: string): ContractWork {
  return async ({ step, undo }): Promise<Json> => {
    if (step !== failed || undo) return null;
    throw new CloudPhoenixError("UNREACHABLE", "made to fail", { retryable: true });
  };
}

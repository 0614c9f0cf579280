// A new leader knows the runs it goes on with, also those that have written nothing yet.
import {
  CloudPhoenixError,
  pendingStep,
  type Plan,
  type Roles,
  type RunCommand,
  type RunningRun,
} from "@cloudphoenix/core";
import type { PlanRunner } from "@cloudphoenix/engine";
import { SIMULATED_APPLICATION, SIMULATED_ROLES, SeededRandom } from "@cloudphoenix/testkit";
import { beforeEach, describe, expect, test } from "vitest";
import { RunLauncher } from "../src/loops/run-launcher.ts";
import { A, B, Simulation } from "./simulation.ts";

const LEAD = new AbortController().signal;
const TAKEN_OVER: RunningRun = { id: "run-dr", kind: "dr", to: B };

let simulation: Simulation;
let started: Plan[];
let commands: RunCommand[];
let end: PromiseWithResolvers<void>;
let launcher: RunLauncher;

beforeEach(() => {
  simulation = new Simulation();
  started = [];
  commands = [];
  end = Promise.withResolvers<void>();
  const runner: PlanRunner = {
    start: async (plan) => void started.push(plan),
    command: async (_, command) => void commands.push(command),
    ended: async (_, signal) => {
      const aborted = new Promise<void>((settle) => {
        signal.addEventListener("abort", () => settle(), { once: true });
      });
      await Promise.race([end.promise, aborted]);
    },
  };
  const { clock, stores } = simulation;
  const random = new SeededRandom(1);
  const resumed = [TAKEN_OVER];
  launcher = new RunLauncher({ clock, random, runner, ...stores, fencers: [], resumed }, () => {});
});

function launch(kind: "dr" | "heal", roles: Roles = SIMULATED_ROLES): Promise<Plan> {
  const request = {
    kind,
    application: SIMULATED_APPLICATION,
    roles,
    target: (kind === "heal") === (roles.active === A) ? A : B,
    reason: "a test",
    approvers: 0,
  };
  return launcher.launch({ request, startedBy: "decision", facts: () => ({}) }, LEAD);
}

/** What the run writes first, and what it may write last. */
async function recorded(status?: "completed"): Promise<void> {
  const { runs } = simulation.stores;
  await runs.create({ plan: simulation.plan("dr"), startedBy: "decision", atMs: 1 });
  if (status === undefined) return;
  const change = { waitingFor: null, question: null, endedAtMs: 2, order: 9 };
  await runs.setStatus(TAKEN_OVER.id, { status, ...change });
}

describe("a run that was taken over before its first note", () => {
  test("is running, and no second one starts beside it", async () => {
    expect((await launcher.activity(null)).running).toEqual(TAKEN_OVER);
    await expect(launch("dr")).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
    await expect(launch("heal")).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
    expect(started).toEqual([]);
  });

  test("speaks for itself once it has a record", async () => {
    await launcher.activity(null);
    await recorded();
    await simulation.clock.advance(1_000);
    expect((await launcher.activity(null)).running).toEqual({ ...TAKEN_OVER, stage: "preparing" });

    await recorded("completed");
    await simulation.clock.advance(1_000);
    expect((await launcher.activity(null)).running).toBeNull();
    await launch("dr");
    expect(started).toHaveLength(1);
  });

  test("is running for as long as nobody can say whether it has ended", async () => {
    await launcher.activity(null);
    const silence = new CloudPhoenixError("STATE_UNAVAILABLE", "no answer", { retryable: true });
    const asked = end;
    end = Promise.withResolvers<void>();
    asked.reject(silence);
    await simulation.clock.advance(5_000);

    expect((await launcher.activity(null)).running).toEqual(TAKEN_OVER);
    await expect(launch("heal")).rejects.toMatchObject({ code: "ALREADY_RUNNING" });

    end.resolve();
    await simulation.clock.advance(1);
    expect((await launcher.activity(null)).running).toBeNull();
  });

  test("holds nothing up if it breaks off without one", async () => {
    await launcher.activity(null);
    end.reject(new Error("a defect"));
    await simulation.clock.advance(1);
    expect((await launcher.activity(null)).running).toBeNull();
    await launch("dr");
    expect(started).toHaveLength(1);
  });
});

async function opened(): Promise<void> {
  await recorded();
  const done = { ...pendingStep("open-writes"), status: "done", endedAtMs: 77 } as const;
  await simulation.stores.runs.putStep(TAKEN_OVER.id, done, 1);
}

describe("a move that has opened writes", () => {
  test("makes room for the next one; its cooldown has begun", async () => {
    await opened();
    expect(await launcher.activity(null)).toMatchObject({
      running: { id: TAKEN_OVER.id, stage: "opened" },
      lastMoveEndedAtMs: 77,
    });
    end.resolve();

    // Until the roles are settled, a plan would fence the site that was left.
    await expect(launch("dr")).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
    const plan = await launch("dr", { ...SIMULATED_ROLES, active: B, generation: 2 });

    expect(commands).toMatchObject([{ kind: "cancel", supersededBy: plan.id }]);
    expect(started).toEqual([plan]);
  });

  test("makes no room for a heal, nor for a move before that", async () => {
    await recorded();
    await expect(launch("dr")).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
    await opened();
    await expect(launch("heal")).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
  });
});

import type { ObjectCopyFacts, Observation, StepAction } from "@cloudphoenix/core";
import { buildReport, CloudPhoenixError, planFor } from "@cloudphoenix/core";
import {
  type ObjectSettlement,
  type StepPorts,
  objectSignal,
  stepHandlers,
} from "@cloudphoenix/engine";
import {
  SIMULATED_APPLICATION,
  SIMULATED_ROLES,
  SIMULATED_SIGNALS,
  SimulatedWorld,
  VirtualClock,
  simulatedPorts,
  simulatedStores,
} from "@cloudphoenix/testkit";
import { describe, expect, test } from "vitest";
import { A, B, statuses, Simulation } from "./simulation.ts";

const NOTHING_TOLD: ObjectCopyFacts = {
  toldAtMs: null,
  completeUntilMs: null,
  canaryMs: null,
  pending: 0,
  needPerson: 0,
  paused: null,
  deletesHeldBack: null,
};

const SETTLED: ObjectSettlement = {
  copied: 3,
  left: null,
  referenced: 40,
  allRows: true,
  missing: 2,
  missingKeys: ["receipts/7.json", "receipts/9.json"],
  detail: "the store of aws-us-east-1 does not answer",
};

const application = { ...SIMULATED_APPLICATION, objects: { rpoMs: 60_000 } };

/** What a signal of kind `object-backlog` says while the follower tells these facts. */
async function seen(
  facts: (nowMs: number) => Partial<ObjectCopyFacts>,
): Promise<Observation | undefined> {
  const clock = new VirtualClock();
  const observations: Observation[] = [];
  const lag = SIMULATED_SIGNALS.filter(
    ({ kind, site }) => kind === "replication-lag" && site === A,
  );
  const source = objectSignal({
    clock,
    watch: { facts: () => ({ ...NOTHING_TOLD, ...facts(clock.now()) }) },
    signals: lag.map((signal) => ({ ...signal, kind: "object-backlog", id: "objects" })),
    sites: [A, B],
    active: () => A,
    rpoMs: 10_000,
  });
  source.start({ observed: (one) => observations.push(one), sighted: () => undefined });
  await clock.advance(500);
  await source.stop();
  return observations[0];
}

describe("the backlog of objects as a signal", () => {
  test.each([
    [10_000, "healthy"],
    [10_001, "degraded"],
    [50_000, "degraded"],
    [50_001, "unhealthy"],
  ] as const)("a copy %i ms behind is %s", async (behindMs, status) => {
    const answer = await seen((now) => ({ toldAtMs: now, completeUntilMs: now - behindMs }));
    expect(answer).toMatchObject({ signal: "objects", status });
  });

  test("of a follower that went silent is unknown, not bad", async () => {
    const silent = await seen((now) => ({ toldAtMs: now - 15_001, completeUntilMs: now - 99_000 }));
    expect(silent?.status).toBe("unknown");
    expect((await seen(() => ({})))?.status).toBe("unknown");
  });

  test("of a follower that paused is degraded, with its reason", async () => {
    const paused = await seen((now) => ({ toldAtMs: now, paused: "azure is quarantined" }));
    expect(paused).toMatchObject({
      status: "degraded",
      detail: "nothing is copied: azure is quarantined",
    });
  });

  test("of a copy that is well but for objects that need a person is degraded, and says how many", async () => {
    const left = await seen((now) => ({ toldAtMs: now, completeUntilMs: now, needPerson: 5_000 }));
    expect(left).toMatchObject({
      status: "degraded",
      detail: `objects of ${B} are 0 ms behind, 0 on their way; 5000 objects stay behind until a person acts`,
    });
  });

  test("of a copy that only deletes nothing is as good as it is new, and says why", async () => {
    const deletesHeldBack = "deletes are held back: the source is empty";
    const told = (behindMs: number) => (now: number) => ({
      toldAtMs: now,
      completeUntilMs: now - behindMs,
      deletesHeldBack,
    });
    expect(await seen(told(7))).toMatchObject({
      status: "healthy",
      detail: `objects of ${B} are 7 ms behind, 0 on their way; ${deletesHeldBack}`,
    });
    expect(await seen(told(10_001))).toMatchObject({ status: "degraded" });
  });

  test("of a store that was never compared is unknown", async () => {
    expect((await seen((now) => ({ toldAtMs: now })))?.status).toBe("unknown");
  });
});

describe("waiting for the objects before a planned move", () => {
  const DRAIN = { kind: "drain-objects", from: A, to: B } as const;
  const plan = planFor({
    id: "run-2",
    kind: "switchover",
    application,
    roles: SIMULATED_ROLES,
    target: B,
    nowMs: 0,
    reason: "a test",
    approvers: 0,
  });

  /** The step with a copy that is `behindMs` behind, until `facts` is told otherwise. */
  function draining(behindMs: number | null): {
    readonly clock: VirtualClock;
    readonly facts: { behindMs: number | null };
    readonly ended: () => boolean;
    readonly result: Promise<unknown>;
    readonly abort: () => void;
  } {
    const clock = new VirtualClock();
    const facts = { behindMs };
    const watch = {
      facts: () => ({
        ...NOTHING_TOLD,
        needPerson: 2,
        completeUntilMs: facts.behindMs === null ? null : clock.now() - facts.behindMs,
      }),
    };
    const ports: StepPorts = {
      ...simulatedPorts(new SimulatedWorld(clock), simulatedStores()),
      application,
      objects: { watch, desk: { settle: async () => SETTLED } },
    };
    const step = plan.steps.find(({ action }) => action.kind === "drain-objects");
    if (step === undefined) throw new Error("the plan does not wait for objects");
    const over = new AbortController();
    let ended = false;
    const { "drain-objects": drain } = stepHandlers(ports);
    const result = drain
      .run(DRAIN, { plan, step, signal: over.signal })
      .finally(() => (ended = true));
    result.catch(() => undefined);
    return { clock, facts, ended: () => ended, result, abort: () => over.abort() };
  }

  test("ends when everything that was stored at its beginning is there, not when all is", async () => {
    const { clock, ended, result } = draining(4_000);
    await clock.advance(3_900);
    expect(ended()).toBe(false);
    await clock.advance(600);
    expect(await result).toEqual({ waitedMs: 4_000, needPerson: 2 });
  });

  test("goes on while nobody knows how far the copy is, or it falls behind", async () => {
    const { clock, facts, ended, result } = draining(null);
    await clock.advance(60_000);
    expect(ended()).toBe(false);
    facts.behindMs = 70_000;
    await clock.advance(5_000);
    expect(ended()).toBe(false);
    facts.behindMs = 0;
    await clock.advance(500);
    expect(await result).toEqual({ waitedMs: 65_500, needPerson: 2 });
  });

  test("ends with its time", async () => {
    const { clock, abort, result } = draining(null);
    await clock.advance(1_000);
    abort();
    await expect(result).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("settling the objects", () => {
  const plan = planFor({
    id: "run-1",
    kind: "dr",
    application,
    roles: SIMULATED_ROLES,
    target: B,
    nowMs: 0,
    reason: "a test",
    approvers: 0,
  });

  const clock = new VirtualClock();

  function portsWith(
    facts: Partial<ObjectCopyFacts>,
    settle: () => Promise<ObjectSettlement> = async () => SETTLED,
  ): StepPorts {
    const world = new SimulatedWorld(clock);
    return {
      ...simulatedPorts(world, simulatedStores()),
      application,
      objects: { watch: { facts: () => ({ ...NOTHING_TOLD, ...facts }) }, desk: { settle } },
    };
  }

  const stepOf = (kind: StepAction["kind"]): (typeof plan.steps)[number] => {
    const step = plan.steps.find(({ action }) => action.kind === kind);
    if (step === undefined) throw new Error(`the plan has no ${kind}`);
    return step;
  };
  const context = (kind: StepAction["kind"]) => ({
    plan,
    step: stepOf(kind),
    signal: new AbortController().signal,
  });
  const SETTLE = { kind: "settle-objects", from: A, to: B } as const;

  test("keeps what was copied and which rows point to nothing", async () => {
    const handler = stepHandlers(portsWith({}))["settle-objects"];
    expect(await handler.run(SETTLE, context("settle-objects"))).toEqual(SETTLED);
  });

  test.each([
    [{ completeUntilMs: 1, pending: 7 }, `7 objects are on their way to ${B}`],
    [{}, `how far the copy at ${B} is is unknown`],
    [{ paused: "no right" }, `nothing is copied to ${B}: no right`],
    [
      { completeUntilMs: 1, needPerson: 1 },
      `0 objects are on their way to ${B}; 1 object stays behind until a person acts`,
    ],
    [
      { completeUntilMs: 1, pending: 7, deletesHeldBack: "deletes are held back: why" },
      `7 objects are on their way to ${B}`,
    ],
  ])("with %j known it says before it does anything: %s", async (facts, words) => {
    const handler = stepHandlers(portsWith(facts))["settle-objects"];
    expect((await handler.inspect(SETTLE, context("settle-objects"))).current).toBe(words);
  });

  async function measured(behindMs: number): Promise<string> {
    const ports = portsWith({ completeUntilMs: clock.now() - behindMs, needPerson: 3 });
    const action = { kind: "measure-loss", from: A, to: B } as const;
    const result = stepHandlers(ports)["measure-loss"].run(action, context("measure-loss"));
    await clock.advance(1_000);
    return JSON.stringify(await result);
  }

  test("nobody is asked about objects within their objective", async () => {
    expect(await measured(1_000)).not.toContain("approvalNeeded");
  });

  test("how many objects waited for a person is kept for the report", async () => {
    expect(JSON.parse(await measured(1_000))).toMatchObject({ objectsNeedPerson: 3 });
  });

  test("people are asked about objects beyond their objective", async () => {
    expect(await measured(100_000)).toContain("ms of objects, the objective is 60000 ms. Go on?");
  });

  test("a settlement as long as the configuration allows is in the report", async () => {
    const simulation: Simulation = new Simulation(async (call) => {
      if (call.action.kind !== "settle-objects") return call.run();
      await simulation.clock.sleep(2 * 3_600_000, call.signal);
      return { ...SETTLED };
    });
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
    });
    const run = await simulation.run({ ...plan, id: "run-long" });
    expect(buildReport(run).objects).toMatchObject({ copied: 3, missing: 2 });
  });

  test("a store that cannot be asked does not hold up a move", async () => {
    const simulation = new Simulation((call) =>
      call.action.kind === "settle-objects"
        ? Promise.reject(
            new CloudPhoenixError("TIMED_OUT", "nobody copies objects", { retryable: true }),
          )
        : call.run(),
    );
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
    });
    const run = await simulation.run({ ...plan, id: "run-objects" });
    expect(run.status).toBe("completed");
    expect(statuses(run)).toMatchObject({ "settle-objects": "failed", report: "done" });
  });
});

// The whole engine on the simulated world: disasters in, runs out.
import { type Policy, type RunRecord, hasCode } from "@cloudphoenix/core";
import {
  DecisionLoop,
  type LoopEvent,
  Watch,
  detectionKey,
  replicationSignal,
} from "@cloudphoenix/engine";
import {
  SIMULATED_APPLICATION,
  SIMULATED_POLICY,
  SIMULATED_SIGNALS,
  SIMULATED_VANTAGES,
  SeededRandom,
  simulatedObservations,
  simulatedPorts,
  simulatedReplicationWatch,
} from "@cloudphoenix/testkit";
import { describe, expect, test } from "vitest";
import { A, B, Simulation } from "./simulation.ts";

class LoopSimulation extends Simulation {
  readonly blind: Set<string> = new Set();
  readonly events: LoopEvent[] = [];
  readonly leading: AbortController = new AbortController();
  readonly loop: DecisionLoop;
  readonly #watch: Watch;
  #running: Promise<void> = Promise.resolve();

  constructor(policy: Partial<Policy> = {}, patienceMs?: number) {
    super();
    const replication = simulatedReplicationWatch(this.world);
    const settings = {
      application: SIMULATED_APPLICATION,
      policy: { ...SIMULATED_POLICY, ...policy },
      signals: SIMULATED_SIGNALS,
      vantages: SIMULATED_VANTAGES,
    };
    const sources = [
      simulatedObservations(this.world, this.blind),
      replicationSignal({
        clock: this.clock,
        watch: replication,
        signals: SIMULATED_SIGNALS,
        sites: [A, B],
        active: () => this.activeSite(),
      }),
    ];
    this.#watch = new Watch({ ...settings, sources });
    const ports = simulatedPorts(this.world, this.stores);
    const patient = patienceMs === undefined ? {} : { patienceMs };
    this.loop = new DecisionLoop(settings, {
      ...ports,
      fencers: ports.fencers.map((fencer) => ({ ...fencer, ...patient })),
      ...this.stores,
      random: new SeededRandom(1),
      runner: this.runner,
      replication,
      handlers: this.handlers,
      watch: this.#watch,
    });
    this.loop.subscribe((event) => this.events.push(event));
  }

  activeSite(): string {
    return this.world.site(B).database.writesOpen ? B : A;
  }

  async begin(): Promise<void> {
    this.#watch.start();
    this.#running = this.loop.run(this.leading.signal);
    await this.clock.advance(5_000);
  }

  async end(): Promise<void> {
    this.leading.abort();
    await this.clock.advance(10);
    await this.#running;
    await this.#watch.stop();
  }

  async runs(): Promise<readonly RunRecord[]> {
    return this.stores.runs.list(10);
  }

  verdicts(): readonly string[] {
    return this.stores.audit.entries
      .filter((entry) => entry.who === "decision" && !entry.what.includes("run"))
      .map((entry) => entry.what);
  }

  troubles(): readonly string[] {
    return this.events.flatMap((event) => (event.kind === "trouble" ? [event.message] : []));
  }
}

async function loop(policy: Partial<Policy> = {}): Promise<LoopSimulation> {
  const simulation = new LoopSimulation(policy);
  await simulation.begin();
  return simulation;
}

function isMove(run: RunRecord): boolean {
  return run.plan.kind === "dr";
}

/** Nothing is repaired by itself, so that a fault stays. */
const NO_HEALS = { modes: { heal: "observe", region: "auto", dr: "auto" } } as const;

const request = { reason: "a drill", acceptLoss: false, by: "ann" } as const;

test.each([
  ["the usual time where its means ask for no more", undefined, 3_000],
  // A handler gets a part of its step's time, and that part must be enough.
  ["as long as the slowest of its means needs", 12_000, 15_000],
])("a fence gets %s", async (_, patienceMs, timeoutMs) => {
  const simulation = new LoopSimulation({}, patienceMs);
  await simulation.begin();
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
  });
  await simulation.clock.advance(15_000);
  await simulation.end();

  const run = (await simulation.runs()).find(isMove);
  const fence = run?.plan.steps.find((step) => step.action.kind === "fence-site");
  expect(fence?.timeoutMs).toBe(timeoutMs);
  expect(run?.status).toBe("completed");
});

describe("without anybody's help", () => {
  test("a healthy application is left alone", async () => {
    const simulation = await loop();
    await simulation.clock.advance(240_000);
    await simulation.end();

    expect(await simulation.runs()).toEqual([]);
    expect(simulation.verdicts()).toEqual(["none: hold"]);
    expect(simulation.troubles()).toEqual([]);
    expect(simulation.loop.decisions).toHaveLength(200);
  });

  test("the loss of a region leads to a completed move to the other cloud", async () => {
    const simulation = await loop();
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
    });
    const struckAtMs = simulation.clock.now();
    await simulation.clock.advance(15_000);
    await simulation.end();

    const run = (await simulation.runs()).find(isMove);
    expect(run).toMatchObject({ status: "completed", startedBy: "decision", plan: { to: B } });
    expect(await simulation.stores.roles.read()).toMatchObject({ active: B, generation: 2 });
    expect(simulation.world.state.traffic.site).toBe(B);
    expect(simulation.world.doubleWriters).toEqual([]);
    expect((run?.endedAtMs ?? 0) - struckAtMs).toBeLessThan(10_000);
    const detectedAtMs = await simulation.stores.facts.get(detectionKey(run?.id ?? ""));
    expect(detectedAtMs).toBeGreaterThan(struckAtMs);
    expect(detectedAtMs).toBeLessThanOrEqual(run?.startedAtMs ?? 0);
    expect(simulation.loop.explain()?.text).toContain(B);
    expect(simulation.loop.situation?.nowMs).toBe(simulation.loop.decisions[0]?.atMs);
  });

  test("a dead replica is healed in place and nothing moves", async () => {
    const simulation = await loop();
    simulation.world.strike((state) => {
      state.sites[A]!.workloads["orders"]!.ready = 1;
    });
    await simulation.clock.advance(20_000);
    await simulation.end();

    const runs = await simulation.runs();
    expect(runs.map((run) => [run.plan.kind, run.status])).toEqual([["heal", "completed"]]);
    expect(simulation.world.site(A).workloads["orders"]).toEqual({ desired: 2, ready: 2 });
    expect((await simulation.stores.roles.read()).generation).toBe(1);
  });

  test("a stopped database is started again", async () => {
    const simulation = await loop();
    simulation.world.strike((state) => {
      state.sites[A]!.database.running = false;
    });
    await simulation.clock.advance(20_000);
    await simulation.end();

    const [run] = await simulation.runs();
    expect(run?.plan.steps[0]?.action.kind).toBe("restart-database");
    expect(simulation.world.site(A).database.running).toBe(true);
  });

  test("a heal is given up for a move when things turn out worse", async () => {
    const simulation = await loop({ holdMs: { heal: 500, region: 3_000, dr: 3_000 } });
    simulation.world.inject({
      operation: `restart-database ${A}`,
      how: "hang",
      times: 1_000,
    });
    simulation.world.strike((state) => {
      state.sites[A]!.database.running = false;
    });
    await simulation.clock.advance(4_000);
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
    });
    await simulation.clock.advance(20_000);
    await simulation.end();

    const runs = await simulation.runs();
    expect(runs.map((run) => [run.plan.kind, run.status])).toEqual([
      ["dr", "completed"],
      ["heal", "undone"],
    ]);
    const [move, heal] = runs;
    expect(heal?.endedAtMs).toBeLessThanOrEqual(move?.startedAtMs ?? 0);
    expect(simulation.world.doubleWriters).toEqual([]);
  });

  test("blind monitors change nothing", async () => {
    const simulation = await loop();
    for (const { id } of SIMULATED_VANTAGES) simulation.blind.add(id);
    await simulation.clock.advance(60_000);
    await simulation.end();

    expect(await simulation.runs()).toEqual([]);
    expect(simulation.verdicts().at(-1)).toMatch(/^unknown/);
  });

  test("one blind monitor that sees everything dead changes nothing", async () => {
    const simulation = await loop();
    simulation.blind.add("internet");
    await simulation.clock.advance(60_000);
    await simulation.end();

    expect(await simulation.runs()).toEqual([]);
  });

  test("a stalled standby blocks the move, people are told, and nothing moves", async () => {
    const simulation = await loop();
    simulation.world.strike((state) => {
      state.replication.stalled = true;
    });
    await simulation.clock.advance(60_000);
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
    });
    await simulation.clock.advance(30_000);
    await simulation.end();

    expect((await simulation.runs()).filter(isMove)).toEqual([]);
    expect(simulation.verdicts()).toContain("dr: blocked dr");
    expect(Object.values(simulation.world.state.notices).join()).toContain("replication");
  });

  test("after a person cancelled a move it is not started again at once", async () => {
    const simulation = await loop({ modes: { heal: "auto", region: "approve", dr: "approve" } });
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
    });
    await simulation.clock.advance(10_000);
    const move = (await simulation.runs()).find(isMove);
    expect(move?.status).toBe("waiting-approval");
    await simulation.tell(move?.id ?? "", { kind: "cancel", by: "ann", reason: "false alarm" });
    await simulation.clock.advance(60_000);
    await simulation.end();

    const moves = (await simulation.runs()).filter(isMove);
    expect(moves.map((run) => run.status)).toEqual(["undone"]);
    expect(simulation.world.state.traffic.site).toBe(A);
  });

  test("a decision that grew old while the state was slow starts nothing", async () => {
    const simulation = await loop();
    const { facts } = simulation.stores;
    const put = facts.put.bind(facts);
    facts.put = async (key, value) => {
      facts.put = put;
      simulation.world.strike((state) => {
        state.sites[A]!.condition = "alive";
      });
      await simulation.clock.sleep(4_000);
      await put(key, value);
    };
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
    });
    await simulation.clock.advance(20_000);
    await simulation.end();

    expect((await simulation.runs()).filter(isMove)).toEqual([]);
    expect(simulation.troubles().join()).toContain("is not started any more");
  });

  test("maintenance keeps the hands off, also after a restart", async () => {
    const simulation = await loop();
    await simulation.loop.maintenance({ on: true, reason: "network work", by: "ann" });
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
    });
    await simulation.clock.advance(20_000);
    await simulation.end();

    expect(await simulation.runs()).toEqual([]);
    expect(await simulation.stores.facts.get("maintenance")).toMatchObject({ on: true });
  });

  test("a look that fails is told and the next one comes", async () => {
    const simulation = await loop();
    const broken = simulation.stores.roles.read.bind(simulation.stores.roles);
    simulation.stores.roles.read = () => Promise.reject(new Error("no database"));
    await simulation.clock.advance(2_000);
    simulation.stores.roles.read = broken;
    const before = simulation.loop.decisions.length;
    await simulation.clock.advance(2_000);
    await simulation.end();

    expect(simulation.troubles()).toContain("no database");
    expect(simulation.loop.decisions.length).toBeGreaterThan(before);
  });

  test("nothing is decided once the lead is lost", async () => {
    const simulation = await loop();
    await simulation.end();
    const before = simulation.loop.decisions.length;
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
    });
    await simulation.clock.advance(60_000);

    expect(simulation.loop.decisions).toHaveLength(before);
    expect(await simulation.runs()).toEqual([]);
    await expect(simulation.loop.request({ ...request, kind: "switchover" })).rejects.toMatchObject(
      {
        code: "NOT_LEADER",
      },
    );
  });
});

test("a standby whose database died is healed, and the active site is left alone", async () => {
  const simulation = await loop();
  simulation.world.strike((state) => {
    state.sites[B]!.database.running = false;
  });
  await simulation.clock.advance(30_000);
  await simulation.end();

  const [run] = await simulation.runs();
  expect(run?.plan).toMatchObject({ kind: "heal", from: B, to: B });
  expect(run?.status).toBe("completed");
  expect(run?.plan.steps.map(({ id }) => id)).toContain("restart-database");
  expect(simulation.world.site(B).database).toMatchObject({ running: true, writesOpen: false });
  expect(await simulation.runs()).toHaveLength(1);
});

describe("an operator", () => {
  test("starts a switchover of a healthy application", async () => {
    const simulation = await loop();

    const plan = await simulation.loop.request({ ...request, kind: "switchover" });
    await simulation.clock.advance(10_000);
    await simulation.end();

    const run = await simulation.record(plan.id);
    expect(run).toMatchObject({ status: "completed", startedBy: "operator:ann" });
    expect(simulation.events).toContainEqual({ kind: "run-ended", runId: plan.id });
    expect((await simulation.stores.roles.read()).active).toBe(B);
  });

  test("is told every blocker at once, and nothing starts", async () => {
    const simulation = await loop(NO_HEALS);
    simulation.world.strike((state) => {
      state.sites[B]!.database.running = false;
      state.replication.stalled = true;
    });
    await simulation.clock.advance(20_000);

    const refused = simulation.loop.request({ ...request, kind: "dr" });

    await expect(refused).rejects.toSatisfy((error: unknown) => hasCode(error, "GUARD_BLOCKED"));
    await expect(refused).rejects.toThrow(/target-ready: .*data-fresh: /s);
    await simulation.end();
    expect(await simulation.runs()).toEqual([]);
  });

  test("cannot start a second run while one is under way", async () => {
    const simulation = await loop();
    await simulation.loop.request({ ...request, kind: "switchover" });

    const second = simulation.loop.request({ ...request, kind: "switchover" });

    await expect(second).rejects.toThrow(/under way/);
    await simulation.clock.advance(10_000);
    await simulation.end();
    expect(await simulation.runs()).toHaveLength(1);
  });

  test("who accepts a loss is not asked again when it is measured", async () => {
    const simulation = await loop();
    simulation.world.strike((state) => {
      state.replication.stalled = true;
    });
    await simulation.clock.advance(8_000);
    simulation.world.strike((state) => {
      state.replication.stalled = false;
      state.sites[A]!.condition = "dead";
    });
    await simulation.clock.advance(1_000);
    await simulation.loop.maintenance({ on: true, reason: "by hand now", by: "ann" });

    const plan = await simulation.loop.request({ ...request, kind: "dr", acceptLoss: true });
    await simulation.untilStatus(plan.id, ({ status }) => status === "waiting-approval");
    await simulation.tell(plan.id, { kind: "approve", by: "bob", comment: "", planId: plan.id });
    await simulation.clock.advance(10_000);
    await simulation.end();

    expect((await simulation.record(plan.id)).status).toBe("completed");
  });

  test("is not told old news about a standby as if it were fresh", async () => {
    const simulation = await loop();
    await simulation.end();
    await simulation.clock.advance(3_600_000);

    const looking = simulation.loop.planDryRun({ kind: "dr" }, new AbortController().signal);
    await simulation.clock.advance(5_000);
    const { guards } = await looking;

    const ready = guards.find((guard) => guard.guard === "target-ready");
    expect(ready?.outcome).toBe("block");
    expect(ready?.sentence).toContain("has not been seen lately");
  });

  test("sees what a run would do, although guards block it, and nothing changes", async () => {
    const simulation = await loop(NO_HEALS);
    simulation.world.strike((state) => {
      state.sites[B]!.database.running = false;
    });
    await simulation.clock.advance(5_000);
    const { replication: _before, ...before } = simulation.world.snapshot();

    const looking = simulation.loop.planDryRun(
      { kind: "dr", target: B },
      new AbortController().signal,
    );
    await simulation.clock.advance(5_000);
    const seen = await looking;
    await simulation.end();

    expect(seen.findings).toEqual([]);
    expect(seen.guards.filter((guard) => guard.outcome === "block")).not.toEqual([]);
    expect(seen.steps.map((step) => step.id)).toEqual(seen.plan.steps.map((step) => step.id));
    const { replication: _after, ...after } = simulation.world.snapshot();
    expect(after).toEqual(before);
    expect(await simulation.runs()).toEqual([]);
  });
});

// The whole engine on the simulated world: disasters in, runs out.
import type { RunRecord } from "@cloudphoenix/core";
import { detectionKey } from "@cloudphoenix/engine";
import { SIMULATED_VANTAGES } from "@cloudphoenix/testkit";
import { describe, expect, test, vi } from "vitest";
import { LoopSimulation, REQUEST, leadingLoop } from "./loop-simulation.ts";
import { A, B } from "./simulation.ts";

function isMove(run: RunRecord): boolean {
  return run.plan.kind === "dr";
}

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
    const simulation = await leadingLoop();
    await simulation.clock.advance(240_000);
    await simulation.end();

    expect(await simulation.runs()).toEqual([]);
    expect(simulation.verdicts()).toEqual(["none: hold"]);
    expect(simulation.troubles()).toEqual([]);
    expect(simulation.loop.decisions).toHaveLength(200);
  });

  test("the loss of a region leads to a completed move to the other cloud", async () => {
    const simulation = await leadingLoop();
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
    const simulation = await leadingLoop();
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
    const simulation = await leadingLoop();
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
    const simulation = await leadingLoop({ holdMs: { heal: 500, region: 3_000, dr: 3_000 } });
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

  test("a heal that works before it can be given up leaves nothing to move for", async () => {
    const simulation = await leadingLoop({ holdMs: { heal: 500, region: 2_000, dr: 2_000 } });
    // The first request is lost, so the heal takes long; the cancel comes too late all the same.
    simulation.world.inject({ operation: `restart-workload ${A}`, how: "hang", times: 1 });
    vi.spyOn(simulation.runner, "command").mockResolvedValue();
    simulation.world.strike((state) => {
      state.sites[A]!.workloads["orders"]!.ready = 0;
    });
    await simulation.clock.advance(30_000);
    await simulation.end();

    const runs = await simulation.runs();
    expect(runs.filter(isMove)).toEqual([]);
    const heal = runs.at(-1);
    expect(heal?.status).toBe("completed");
    expect(simulation.troubles()).toEqual([
      `dr was decided before ${heal?.id} had healed ${A} and is not started`,
    ]);
    expect(simulation.world.site(A).database.writesOpen).toBe(true);
  });

  test("blind monitors change nothing", async () => {
    const simulation = await leadingLoop();
    for (const { id } of SIMULATED_VANTAGES) simulation.blind.add(id);
    await simulation.clock.advance(60_000);
    await simulation.end();

    expect(await simulation.runs()).toEqual([]);
    expect(simulation.verdicts().at(-1)).toMatch(/^unknown/);
  });

  test("one blind monitor that sees everything dead changes nothing", async () => {
    const simulation = await leadingLoop();
    simulation.blind.add("internet");
    await simulation.clock.advance(60_000);
    await simulation.end();

    expect(await simulation.runs()).toEqual([]);
  });

  test("a stalled standby blocks the move, people are told, and nothing moves", async () => {
    const simulation = await leadingLoop();
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

  test("what people could not be told is told until it gets through, for as long as it holds", async () => {
    const simulation = await leadingLoop();
    simulation.world.inject({ operation: "notify", how: "before", times: 6 });
    simulation.world.strike((state) => {
      state.replication.stalled = true;
    });
    await simulation.clock.advance(60_000);
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
    });
    await simulation.clock.advance(20_000);
    expect(simulation.world.state.notices).toEqual({});
    await simulation.clock.advance(60_000);
    await simulation.end();

    expect(Object.values(simulation.world.state.notices).join()).toContain("replication");
    expect(simulation.world.effects.filter((effect) => effect === "notify")).toHaveLength(1);
  });

  test("after a person cancelled a move it is not started again at once", async () => {
    const simulation = await leadingLoop({
      modes: { heal: "auto", region: "approve", dr: "approve" },
    });
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
    const simulation = await leadingLoop();
    const { facts } = simulation.stores;
    const put = facts.put.bind(facts);
    facts.put = async (key, value) => {
      if (key.startsWith("compared-schemas:")) return put(key, value);
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
    const simulation = await leadingLoop();
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
    const simulation = await leadingLoop();
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
    const simulation = await leadingLoop();
    await simulation.end();
    const before = simulation.loop.decisions.length;
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "dead";
    });
    await simulation.clock.advance(60_000);

    expect(simulation.loop.decisions).toHaveLength(before);
    expect(await simulation.runs()).toEqual([]);
    await expect(simulation.loop.request({ ...REQUEST, kind: "switchover" })).rejects.toMatchObject(
      {
        code: "NOT_LEADER",
      },
    );
  });
});

test("a standby whose database died is healed, and the active site is left alone", async () => {
  const simulation = await leadingLoop();
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

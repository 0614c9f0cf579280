// Goal: what a move may lose ends with the proof that nobody writes any more, not with whoever
// measures: a controller that takes a run over saw the stopped site alive long after that.
import type { Json, Plan, RunRecord } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { writersStoppedAtMs } from "../src/steps/fence-site.ts";
import { A, B, type HandlerCall, Simulation } from "./simulation.ts";

const BEHIND_MS = 3_000;
const LATER_MS = 60_000;
const FENCED_AFTER_MS = 20_000;

/** A move whose standby is a little behind; whoever measures takes the site for alive much later. */
async function takenOver(): Promise<Simulation> {
  const simulation: Simulation = new Simulation(async (call: HandlerCall) => {
    if (call.action.kind === "measure-loss") {
      simulation.world.strike(({ replication }) => {
        replication.writtenAtMs = simulation.clock.now() + LATER_MS;
      });
    }
    return call.run();
  });
  simulation.world.strike(({ replication }) => {
    replication.stalled = true;
  });
  await simulation.clock.advance(BEHIND_MS);
  return simulation;
}

/** A run whose fence has told when the lease it sealed had ended; times from the plan. */
function fencedByLease(leaseEndedAfterMs: number): { plan: Plan; runs: never } {
  const plan = new Simulation().plan("dr");
  const degree = "lease-expired";
  const leaseEndedAtMs = plan.createdAtMs + leaseEndedAfterMs;
  const fence = {
    id: "fence-site",
    result: { degree, proofs: [{ means: "lease", degree, detail: "", leaseEndedAtMs }] },
    endedAtMs: plan.createdAtMs + FENCED_AFTER_MS,
  };
  return { plan, runs: { get: async () => ({ steps: [fence] }) } as never };
}

describe("a loss that is measured long after the fence", () => {
  test("ends with the proof that the writers stopped, so nobody is asked", async () => {
    const simulation = await takenOver();

    const run = await simulation.run(simulation.plan("dr"));

    expect(run.status).toBe("completed");
    const measured = run.steps.find(({ id }) => id === "measure-loss")?.result;
    const fence = run.steps.find(({ id }) => id === "fence-site");
    const stoppedAtMs = fence?.endedAtMs ?? Number.NaN;
    expect(measured).toMatchObject({ lastAliveAtMs: stoppedAtMs });
    expect(measured).toHaveProperty("boundMs", expect.closeTo(BEHIND_MS, -2));
  });

  test.each<readonly [what: string, leaseEndedAfterMs: number, endsAfterMs: number]>([
    ["ends with the end of the lease that was sealed, long before its fence", 5_000, 5_000],
    ["ends with the fence if that came before the end of the lease", 70_000, FENCED_AFTER_MS],
    ["ends with the fence if the standby has what is newer than that end", -1, FENCED_AFTER_MS],
  ])("%s", async (_what, leaseEndedAfterMs, endsAfterMs) => {
    const { plan, runs } = fencedByLease(leaseEndedAfterMs);
    const stoppedAtMs = await writersStoppedAtMs({ runs }, plan, plan.createdAtMs);
    expect(stoppedAtMs).toBe(plan.createdAtMs + endsAfterMs);
  });

  test("ends with the last sign of life if nothing was proven", async () => {
    const simulation = await takenOver();
    simulation.world.inject({ operation: `shut ${A}`, how: "before", times: 1_000 });
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "isolated";
    });
    const plan = simulation.plan("dr");
    await simulation.runner.start(plan, "decision");
    await simulation.untilStatus(plan.id, ({ question }) => question === 1);
    await simulation.tell(plan.id, {
      kind: "approve",
      by: "ann",
      comment: "it is off",
      question: 1,
    });
    const run = await simulation.untilStatus(plan.id, ({ question }) => question === 2);

    expect(run.waitingFor).toMatch(/may lose 6\d{4} ms of writes/u);
    expect(simulation.world.effects).not.toContain(`promote ${B}`);
  });
});

describe("a standby that was cut off for longer than the objective, from a site that answers", () => {
  const CUT_MS = 20_000;

  /** How a DR failover from there ends, or stops; writes came so long after the cut. */
  async function left(
    commitsAfterMs: readonly number[],
    change: (simulation: Simulation) => void = () => {},
  ): Promise<RunRecord> {
    const simulation = new Simulation();
    simulation.world.strike(({ replication }) => {
      replication.stalled = true;
    });
    const cutAtMs = simulation.clock.now();
    await simulation.clock.advance(CUT_MS);
    simulation.world.strike(({ sites }) => {
      sites[A]!.database.commitsAtMs.push(...commitsAfterMs.map((ms) => cutAtMs + ms));
    });
    change(simulation);
    const plan = simulation.plan("dr");
    await simulation.runner.start(plan, "decision");
    return simulation.untilStatus(plan.id, ({ status }) => status !== "running");
  }

  test("is read behind the fence: what was not written cannot be lost, and nobody is asked", async () => {
    const run = await left([]);
    expect(run.status).toBe("completed");
    expect(lossOf(run)).toMatchObject({ boundMs: 0, transactions: 0 });
  });

  test("is read behind the fence: little that was written is within the objective", async () => {
    const run = await left([0, 400, 900]);
    expect(run.status).toBe("completed");
    expect(lossOf(run)).toMatchObject({ boundMs: 900, transactions: 2 });
  });

  test("loses what people are asked about, by its number", async () => {
    const run = await left([0, 400, 9_000]);
    expect(run.waitingFor).toContain("may lose 9000 ms of writes (2 transactions), the objective");
  });

  test.each<readonly [string, (simulation: Simulation) => void]>([
    [
      "does not answer",
      ({ world }) => world.inject({ operation: `measure ${A}`, how: "hang", times: 9 }),
    ],
    [
      "refuses to be read",
      ({ world }) => world.inject({ operation: `measure ${A}`, how: "before", times: 9 }),
    ],
    [
      "did not confirm the fence",
      ({ world }) => world.inject({ operation: `fence ${A}`, how: "before", times: 99 }),
    ],
  ])("that %s is bounded by its last sign of life, as before", async (_, change) => {
    const run = await left([], change);
    expect(run.waitingFor).toMatch(/may lose 20\d{3} ms of writes, the objective/u);
  });
});

function lossOf(run: RunRecord): Json {
  return run.steps.find(({ id }) => id === "measure-loss")?.result ?? null;
}

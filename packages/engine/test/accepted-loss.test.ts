// Goal: nobody loses more than enough people have agreed to, and nobody is asked twice for the same.
import { type AcceptedLoss, type Plan, type RunCommand, type RunRecord } from "@cloudphoenix/core";
import { SIMULATED_POLICY } from "@cloudphoenix/testkit";
import { describe, expect, test } from "vitest";
import { A, B, Simulation } from "./simulation.ts";

function approve(by: string, question: number = 1): RunCommand {
  return { kind: "approve", by, comment: "seen", question };
}

const TWO = { ...SIMULATED_POLICY, approversForRisk: 2 };

interface Asked {
  readonly simulation: Simulation;
  readonly plan: Plan;
}

/** A move whose standby has been behind for `behindMs` when the site dies; people were asked before. */
async function asked(
  { approvers, accepts }: { readonly approvers: number; readonly accepts: AcceptedLoss | null },
  policy: typeof SIMULATED_POLICY = SIMULATED_POLICY,
): Promise<Asked> {
  const simulation = new Simulation(undefined, policy);
  simulation.world.strike((state) => {
    state.replication.stalled = true;
  });
  await simulation.clock.advance(6_000);
  const plan = simulation.plan("dr", {}, approvers, accepts);
  await simulation.runner.start(plan, "operator:ann");
  return { simulation, plan };
}

function die({ world }: Simulation): void {
  world.strike((state) => {
    state.sites[A]!.condition = "dead";
  });
}

async function stopped({ simulation, plan }: Asked): Promise<RunRecord> {
  await simulation.untilStatus(plan.id, ({ status }) => status !== "running");
  return simulation.record(plan.id);
}

describe("a loss accepted before it was measured", () => {
  test("is said in the question, and nobody is asked again for as much", async () => {
    const move = await asked({ approvers: 1, accepts: { writesMs: 11_000 } });
    const { simulation, plan } = move;
    expect((await stopped(move)).waitingFor).toContain("It may lose up to 11.0 s of writes.");
    die(simulation);
    await simulation.tell(plan.id, approve("bob"));

    const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

    expect(run.status).toBe("completed");
    expect(resultOf(run, "measure-loss")).toMatchObject({ boundMs: 6_000, accepted: true });
  });

  test("does not cover what the loss has grown to while people thought", async () => {
    const move = await asked({ approvers: 2, accepts: { writesMs: 11_000 } }, TWO);
    const { simulation, plan } = move;
    await stopped(move);
    await simulation.tell(plan.id, approve("bob"));
    await simulation.clock.advance(1_800_000);
    die(simulation);
    await simulation.tell(plan.id, approve("carol"));
    await simulation.untilStatus(plan.id, ({ question }) => question === 2);

    const run = await simulation.record(plan.id);
    expect(run.waitingFor).toContain("approval by 2 people: Leaving");
    expect(run.waitingFor).toContain("may lose 1806000 ms of writes");
    expect(simulation.world.effects).not.toContain(`promote ${B}`);
  });

  test("does not count if fewer people were asked than the policy wants for a loss", async () => {
    const move = await asked({ approvers: 1, accepts: { writesMs: 11_000 } }, TWO);
    const { simulation, plan } = move;
    await stopped(move);
    die(simulation);
    await simulation.tell(plan.id, approve("bob"));
    await simulation.untilStatus(plan.id, ({ question }) => question === 2);

    expect((await simulation.record(plan.id)).waitingFor).toContain(
      "approval by 2 people: Leaving",
    );
    expect(simulation.world.effects).not.toContain(`promote ${B}`);
  });

  test("does not count if nobody had to approve it", async () => {
    const simulation = await asked({ approvers: 0, accepts: { writesMs: null } });
    die(simulation.simulation);

    const run = await stopped(simulation);

    expect(run).toMatchObject({ status: "waiting-approval", question: 1 });
    expect(run.waitingFor).toContain("may lose");
  });

  test("is not read into an approval that accepted none", async () => {
    const move = await asked({ approvers: 1, accepts: null });
    const { simulation, plan } = move;
    await stopped(move);
    die(simulation);
    await simulation.tell(plan.id, approve("bob"));

    await simulation.untilStatus(plan.id, ({ question }) => question === 2);
    expect(simulation.world.effects).not.toContain(`promote ${B}`);
  });

  test("covers however much it is if it was unknown then", async () => {
    const move = await asked({ approvers: 1, accepts: { writesMs: null } });
    const { simulation, plan } = move;
    expect((await stopped(move)).waitingFor).toContain("It may lose an unknown amount of writes.");
    die(simulation);
    await simulation.tell(plan.id, approve("bob"));

    const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);
    expect(run.status).toBe("completed");
  });
});

test("a loss found while measuring takes two people where two are asked for", async () => {
  const move = await asked({ approvers: 0, accepts: null }, TWO);
  const { simulation, plan } = move;
  die(simulation);
  expect((await stopped(move)).waitingFor).toContain("approval by 2 people: Leaving");

  await simulation.tell(plan.id, approve("Ann  Lee"));
  await simulation.tell(plan.id, approve("ann lee"));
  await simulation.tell(plan.id, approve("ＡＮＮ\u00a0Ｌｅｅ"));
  await simulation.clock.advance(60_000);
  expect((await simulation.record(plan.id)).approvals).toHaveLength(1);
  expect(simulation.world.effects).not.toContain(`promote ${B}`);

  await simulation.tell(plan.id, approve("bob"));
  const run = await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);
  expect(run.status).toBe("completed");
});

function resultOf(run: RunRecord, step: string): unknown {
  return run.steps.find(({ id }) => id === step)?.result;
}

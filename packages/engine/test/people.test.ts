// How people and a run talk: approvals, pause and resume, and what is refused.
import type { Plan, RunCommand } from "@cloudphoenix/core";
import { SIMULATED_POLICY } from "@cloudphoenix/testkit";
import { describe, expect, test } from "vitest";
import { A, B, Simulation, ended } from "./simulation.ts";

const DAY_MS = 86_400_000;

function approve(by: string, question: number = 1): RunCommand {
  return { kind: "approve", by, comment: "seen", question };
}

async function waiting(approvers: number): Promise<{ simulation: Simulation; plan: Plan }> {
  const simulation = new Simulation();
  const plan = simulation.plan("dr", {}, approvers);
  await simulation.runner.start(plan, "operator:ann");
  await simulation.untilStatus(plan.id, ({ status }) => status === "waiting-approval");
  return { simulation, plan };
}

/** The plan as a freeze makes it: somebody who did not start it must agree. */
function withAnother(plan: Plan): Plan {
  return {
    ...plan,
    steps: plan.steps.map((step) =>
      step.action.kind === "approval"
        ? { ...step, action: { ...step.action, another: true } }
        : step,
    ),
  };
}

/** A move whose fence will prove nothing: the site is cut off, and its ways in do not close. */
function weaklyFenced(simulation: Simulation): Plan {
  simulation.world.inject({ operation: `shut ${A}`, how: "before", times: 1_000 });
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "isolated";
  });
  return simulation.plan("dr");
}

describe("approvals", () => {
  test("come days later and from as many different people as were asked for", async () => {
    const { simulation, plan } = await waiting(2);
    await simulation.clock.advance(3 * DAY_MS);
    await simulation.tell(plan.id, approve("bob"));
    await simulation.clock.advance(DAY_MS);
    expect(await simulation.record(plan.id)).toMatchObject({
      status: "waiting-approval",
      waitingFor: expect.stringContaining("approval by 1 person"),
    });
    await simulation.tell(plan.id, approve("carol"));

    const run = await simulation.untilStatus(plan.id, ended);

    expect(run.status).toBe("completed");
    expect(run.approvals.map((approval) => approval.by)).toEqual(["bob", "carol"]);
  });

  test("by the same person count once, however the name is written and whoever started", async () => {
    const { simulation, plan } = await waiting(2);
    for (const name of ["ann", "Ann ", "operator:ann"]) {
      await simulation.tell(plan.id, approve(name));
    }
    await simulation.clock.advance(1_000);

    const run = await simulation.record(plan.id);
    expect(run.status).toBe("waiting-approval");
    expect(run.approvals).toHaveLength(1);
    expect((await simulation.texts(plan.id)).at(-1)).toContain("has approved already");
  });

  test("by who started the run count beside another one's where another one is wanted", async () => {
    const simulation = new Simulation();
    const plan = withAnother(simulation.plan("dr", {}, 2));
    await simulation.runner.start(plan, "operator:ann");
    await simulation.untilStatus(plan.id, ({ status }) => status === "waiting-approval");
    await simulation.tell(plan.id, approve("ann"));
    await simulation.tell(plan.id, approve("bob"));

    const run = await simulation.untilStatus(plan.id, ended);

    expect(run.status).toBe("completed");
    expect(run.approvals.map((approval) => approval.by)).toEqual(["ann", "bob"]);
  });

  test("of another question are refused, and name the one that is open", async () => {
    const { simulation, plan } = await waiting(1);
    await simulation.tell(plan.id, approve("bob", 2));
    await simulation.clock.advance(1_000);

    expect(await simulation.record(plan.id)).toMatchObject({
      status: "waiting-approval",
      question: 1,
      approvals: [],
    });
    expect((await simulation.stores.runs.events(plan.id)).at(-1)).toMatchObject({
      kind: "refused",
      text: "approve by bob refused: it is for question 2, open is question 1",
    });
  });

  test("that come too late change nothing and are answered", async () => {
    const { simulation, plan } = await waiting(1);
    await simulation.tell(plan.id, approve("bob"));
    await simulation.tell(plan.id, approve("carol"));

    const run = await simulation.untilStatus(plan.id, ended);

    expect(run.status).toBe("completed");
    expect(run.approvals.map((approval) => approval.by)).toEqual(["bob"]);
    expect(await simulation.texts(plan.id)).toContain(
      "approve by carol refused: nothing waits for approval",
    );
  });

  test("given while the step that asks still works do not count, whatever they name", async () => {
    let tries = 0;
    const simulation = new Simulation(async (call) => {
      if (call.action.kind === "fence-site") tries += 1;
      if (tries === 1) await simulation.tell(plan.id, approve("bob"));
      return call.run();
    });
    const plan = weaklyFenced(simulation);
    await simulation.runner.start(plan, "decision");
    await simulation.untilStatus(plan.id, ({ status }) => status !== "running");
    await simulation.clock.advance(60_000);

    const run = await simulation.record(plan.id);
    expect(run).toMatchObject({ status: "waiting-approval", question: 1, approvals: [] });
    expect(simulation.world.effects).not.toContain(`promote ${B}`);
    expect(await simulation.texts(plan.id)).toContain(
      "approve by bob refused: nothing waits for approval",
    );
  });

  test("of one question do not answer the next one, however late they arrive", async () => {
    const simulation = new Simulation(async (call) => {
      if (call.action.kind === "measure-loss") await simulation.tell(plan.id, approve("carol"));
      return call.run();
    });
    simulation.world.strike((state) => {
      state.replication.stalled = true;
    });
    await simulation.clock.advance(20_000);
    const plan = weaklyFenced(simulation);
    await simulation.runner.start(plan, "decision");
    await simulation.untilStatus(plan.id, ({ question }) => question === 1);
    await simulation.tell(plan.id, approve("bob"));
    await simulation.untilStatus(plan.id, ({ question }) => question === 2);
    await simulation.tell(plan.id, approve("dan"));
    await simulation.clock.advance(60_000);

    const run = await simulation.record(plan.id);
    expect(run).toMatchObject({ status: "waiting-approval", question: 2 });
    expect(run.waitingFor).toContain("may lose");
    expect(run.approvals.map(({ by }) => by)).toEqual(["bob"]);
    expect(simulation.world.effects).not.toContain(`promote ${B}`);

    await simulation.tell(plan.id, approve("bob", 2));
    expect((await simulation.untilStatus(plan.id, ended)).status).toBe("completed");
  });

  test("are asked for under a new number after nobody answered", async () => {
    const { simulation, plan } = await waiting(1);
    await simulation.untilStatus(plan.id, ({ status }) => status === "needs-attention");
    expect((await simulation.record(plan.id)).question).toBeNull();
    await simulation.tell(plan.id, { kind: "retry", by: "bob", step: "approval" });
    await simulation.untilStatus(plan.id, ({ question }) => question === 2);
    await simulation.tell(plan.id, approve("bob", 1));
    await simulation.clock.advance(1_000);

    expect((await simulation.record(plan.id)).question).toBe(2);
  });

  test("do not keep a cancel back that came before the question", async () => {
    const simulation = new Simulation(async (call) => {
      const asks = await call.run();
      if (call.action.kind === "approval") {
        await simulation.tell(plan.id, { kind: "pause", by: "ann" });
        await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });
      }
      return asks;
    });
    const plan = simulation.plan("dr", {}, 1);
    await simulation.runner.start(plan, "operator:ann");

    expect((await simulation.untilStatus(plan.id, ended)).status).toBe("undone");
    expect(await simulation.texts(plan.id)).not.toContainEqual(expect.stringContaining("approved"));
  });

  test("that never come end the wait of an approval step, and it can be asked again", async () => {
    const { simulation, plan } = await waiting(1);
    await simulation.untilStatus(plan.id, ({ status }) => status === "needs-attention");
    await simulation.tell(plan.id, { kind: "retry", by: "bob", step: "approval" });
    await simulation.untilStatus(plan.id, ({ status }) => status === "waiting-approval");
    await simulation.tell(plan.id, approve("bob", 2));

    expect((await simulation.untilStatus(plan.id, ended)).status).toBe("completed");
  });

  test("are not needed to cancel, and nothing has happened then", async () => {
    const { simulation, plan } = await waiting(1);
    await simulation.tell(plan.id, { kind: "cancel", by: "bob", reason: "false alarm" });

    const run = await simulation.untilStatus(plan.id, ended);

    expect(run.status).toBe("undone");
    expect(simulation.world.effects).toEqual([]);
  });
});

describe("a fence that cannot be proven", () => {
  test("asks people before anything is promoted", async () => {
    const simulation = new Simulation();
    simulation.world.inject({ operation: `shut ${A}`, how: "before", times: 1_000 });
    simulation.world.strike((state) => {
      state.sites[A]!.condition = "isolated";
    });
    const plan = simulation.plan("dr");
    await simulation.runner.start(plan, "decision");

    const stopped = await simulation.untilStatus(plan.id, ({ status }) => status !== "running");

    expect(stopped.status).toBe("waiting-approval");
    expect(stopped.waitingFor).toContain(`The fence of ${A} is only unproven`);
    expect(simulation.world.effects).not.toContain(`promote ${B}`);

    await simulation.tell(plan.id, approve("bob"));
    const run = await simulation.untilStatus(plan.id, ended);
    expect(run.status).toBe("completed");
    expect(run.steps[0]).toMatchObject({ status: "done", result: { degree: "unproven" } });
  });
});

test("a fence below an expired lease takes two people where two are asked for", async () => {
  const policy = { ...SIMULATED_POLICY, fenceMin: "lease-expired", approversForRisk: 2 } as const;
  const simulation = new Simulation(undefined, policy);
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
  });
  const plan = simulation.plan("dr");
  await simulation.runner.start(plan, "decision");

  const stopped = await simulation.untilStatus(plan.id, ({ status }) => status !== "running");
  expect(stopped.status).toBe("waiting-approval");
  expect(stopped.waitingFor).toContain(`approval by 2 people: The fence of ${A} is only network`);

  await simulation.tell(plan.id, approve("bob"));
  await simulation.tell(plan.id, approve("operator:Bob "));
  await simulation.clock.advance(60_000);
  expect((await simulation.record(plan.id)).status).toBe("waiting-approval");
  expect((await simulation.texts(plan.id)).at(-1)).toContain("has approved already");
  expect(simulation.world.effects).not.toContain(`promote ${B}`);

  await simulation.tell(plan.id, approve("carol"));
  const run = await simulation.untilStatus(plan.id, ended);
  expect(run.status).toBe("completed");
  expect(run.approvals.map(({ by }) => by)).toEqual(["bob", "carol"]);
  const audited = simulation.stores.audit.entries.filter(({ what }) => what.startsWith("approve"));
  expect(audited.map(({ who }) => who)).toEqual(["bob", "carol"]);
});

test("a loss beyond the objective asks people before anything is promoted", async () => {
  const simulation = new Simulation();
  simulation.world.strike((state) => {
    state.replication.stalled = true;
  });
  await simulation.clock.advance(20_000);
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
  });
  const plan = simulation.plan("dr");
  await simulation.runner.start(plan, "decision");

  const run = await simulation.untilStatus(plan.id, ({ status }) => status !== "running");

  expect(run.status).toBe("waiting-approval");
  expect(run.waitingFor).toContain("may lose 20000 ms of writes, the objective is 5000 ms");
  expect(simulation.world.effects).not.toContain(`promote ${B}`);
});

test("a paused run does nothing until it is resumed", async () => {
  const simulation = new Simulation();
  const plan = simulation.plan("dr");
  await simulation.runner.start(plan, "decision");
  await simulation.tell(plan.id, { kind: "pause", by: "ann" });
  await simulation.untilStatus(plan.id, ({ status }) => status === "paused");
  const effects = simulation.world.effects.length;
  await simulation.clock.advance(2 * DAY_MS);
  expect(simulation.world.effects).toHaveLength(effects);

  await simulation.tell(plan.id, { kind: "resume", by: "ann" });

  expect((await simulation.untilStatus(plan.id, ended)).status).toBe("completed");
});

test("a paused run can be cancelled", async () => {
  const simulation = new Simulation();
  const plan = simulation.plan("dr");
  await simulation.runner.start(plan, "decision");
  await simulation.tell(plan.id, { kind: "pause", by: "ann" });
  await simulation.untilStatus(plan.id, ({ status }) => status === "paused");
  await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "enough" });

  expect((await simulation.untilStatus(plan.id, ended)).status).toBe("undone");
});

test("a command with a key that was used is delivered once", async () => {
  const { simulation, plan } = await waiting(2);
  await simulation.runner.command(plan.id, approve("bob"), "same");
  await simulation.runner.command(plan.id, approve("carol"), "same");
  await simulation.clock.advance(1_000);

  const run = await simulation.record(plan.id);
  expect(run.approvals.map((approval) => approval.by)).toEqual(["bob"]);
});

test("a command to a run that is not alive is refused", async () => {
  const simulation = new Simulation();
  await expect(simulation.tell("none", { kind: "pause", by: "ann" })).rejects.toMatchObject({
    code: "NOT_FOUND",
  });
});

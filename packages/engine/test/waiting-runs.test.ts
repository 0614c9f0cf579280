// Goal: whoever is on call hears of every run that waits for them, and is not rung up twice a second.
import { BrokenRuns, type Notice, WaitingRuns } from "@cloudphoenix/engine";
import { expect, test } from "vitest";
import { B, Simulation } from "./simulation.ts";

const never = new AbortController().signal;

interface Looked {
  readonly simulation: Simulation;
  readonly told: Notice[];
  readonly waiting: WaitingRuns;
}

/** `refuse` is how many notices get lost first. */
function looking(simulation: Simulation, refuse: number = 0): Looked {
  const told: Notice[] = [];
  let left = refuse;
  const waiting = new WaitingRuns({
    clock: simulation.clock,
    ...simulation.stores,
    notifier: {
      notify: async (notice) => {
        left -= 1;
        if (left >= 0) throw new Error("the pager does not answer");
        told.push(notice);
      },
    },
    trouble: () => undefined,
  });
  return { simulation, told, waiting };
}

async function asked(): Promise<Simulation> {
  const simulation = new Simulation();
  await simulation.runner.start(simulation.plan("dr", {}, 2), "decision");
  await simulation.untilStatus("run-dr", ({ status }) => status === "waiting-approval");
  return simulation;
}

test("a question is told once, with the command that answers it", async () => {
  const { told, waiting } = looking(await asked());

  await waiting.look(never);
  await waiting.look(never);

  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ severity: "critical" });
  expect(told[0]?.title).toContain("dr run-dr waits for a person");
  expect(told[0]?.text).toContain("approval by 2 people");
  expect(told[0]?.text).toContain("cloudphoenix run approve run-dr --question 1");
});

test("a failed step is told, and a question that follows is another one", async () => {
  const { simulation, told, waiting } = looking(await asked());
  await waiting.look(never);
  await simulation.untilStatus("run-dr", ({ status }) => status === "needs-attention");
  await waiting.look(never);
  await simulation.tell("run-dr", { kind: "retry", by: "ann", step: "approval" });
  await simulation.untilStatus("run-dr", ({ question }) => question === 2);
  await waiting.look(never);

  expect(told.map(({ text }) => text)).toEqual([
    expect.stringContaining("--question 1"),
    expect.stringContaining("step approval failed: nobody approved in time"),
    expect.stringContaining("--question 2"),
  ]);
  expect(new Set(told.map(({ key }) => key)).size).toBe(3);
});

test("what still waits half an hour later is told again, under another key", async () => {
  const { simulation, told, waiting } = looking(await asked());
  await waiting.look(never);
  await simulation.clock.advance(1_800_000);
  await waiting.look(never);
  await waiting.look(never);

  expect(told).toHaveLength(2);
  expect(told[1]?.title).toContain("still waits");
  expect(told[1]?.key).not.toBe(told[0]?.key);
});

test("a notice that got lost is told at the next look, and holds nothing up", async () => {
  const { simulation, told, waiting } = looking(await asked(), 2);
  await waiting.look(never);
  await waiting.look(never);
  expect(told).toEqual([]);
  await waiting.look(never);
  expect(told).toHaveLength(1);
  expect((await simulation.record("run-dr")).status).toBe("waiting-approval");
});

test("a run that goes on, or ended well, is no matter for people", async () => {
  const simulation = new Simulation();
  const { told, waiting } = looking(simulation);
  await simulation.run(simulation.plan("switchover"));
  await waiting.look(never);
  expect(told).toEqual([]);
});

/** A run that could not be taken back, with who looked before it ended. */
async function stuckRun(): Promise<Looked> {
  const simulation: Simulation = new Simulation(async (call) => {
    if (call.action !== call.step.action) throw new Error("made to fail");
    return call.run();
  });
  const early = looking(simulation);
  await early.waiting.look(never);
  const plan = simulation.plan("switchover", {}, 1);
  await simulation.runner.start(plan, "operator:ann");
  await simulation.untilStatus(plan.id, ({ status }) => status === "waiting-approval");
  await simulation.tell(plan.id, { kind: "approve", by: "bob", comment: "", question: 1 });
  await simulation.clock.runUntil(
    async () => simulation.world.effects.some((effect) => effect.startsWith("switch")),
    60_000,
  );
  await simulation.tell(plan.id, { kind: "cancel", by: "ann", reason: "no" });
  await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);
  await simulation.clock.advance(1);
  expect((await simulation.record(plan.id)).status).toBe("stuck");
  return early;
}

test("a run that could not be taken back is told as stuck, once, whoever leads", async () => {
  const { simulation, told, waiting } = await stuckRun();
  await waiting.look(never);
  const next = looking(simulation);
  await next.waiting.look(never);
  await simulation.clock.advance(1_800_000);
  await waiting.look(never);

  expect(told.map(({ title }) => title)).toEqual([expect.stringContaining("is stuck")]);
  expect(told[0]?.text).toContain("stuck: ");
  expect(next.told).toEqual([]);
});

test("a run that got stuck and that nobody was told of is told by whoever leads next", async () => {
  const { simulation } = await stuckRun();
  const next = looking(simulation, 1);
  await next.waiting.look(never);
  const third = looking(simulation);
  await third.waiting.look(never);

  expect(next.told).toEqual([]);
  expect(third.told.map(({ title }) => title)).toEqual([expect.stringContaining("is stuck")]);
});

test("runs that got stuck before anybody kept what was told are no news", async () => {
  const { simulation } = await stuckRun();
  await simulation.stores.facts.put("told-of-runs", null);
  const { told, waiting } = looking(simulation);
  await waiting.look(never);

  expect(told).toEqual([]);
});

test("a question is not told again by the next leader, who reminds of it when that is due", async () => {
  const { simulation, told, waiting } = looking(await asked());
  await waiting.look(never);
  await simulation.clock.advance(1_700_000);
  const next = looking(simulation);
  await next.waiting.look(never);
  expect(next.told).toEqual([]);
  await simulation.clock.advance(100_000);
  await next.waiting.look(never);

  expect(next.told.map(({ title }) => title)).toEqual([expect.stringContaining("still waits")]);
  expect(next.told[0]?.key).not.toBe(told[0]?.key);
});

test("a question that nobody could be told of is told by the next leader", async () => {
  const { simulation, told, waiting } = looking(await asked(), 1);
  await waiting.look(never);
  const next = looking(simulation);
  await next.waiting.look(never);

  expect(told).toEqual([]);
  expect(next.told).toHaveLength(1);
});

test("what was told is not told twice because it could not be kept at once", async () => {
  const simulation = await asked();
  const { told, waiting } = looking(simulation);
  const { facts } = simulation.stores;
  const put = facts.put.bind(facts);
  facts.put = () => Promise.reject(new Error("the state database does not answer"));
  await expect(waiting.look(never)).rejects.toThrow("does not answer");
  facts.put = put;
  await waiting.look(never);
  const next = looking(simulation);
  await next.waiting.look(never);

  expect([...told, ...next.told]).toHaveLength(1);
});

test("nothing is written while nothing new is told", async () => {
  const simulation = await asked();
  const { facts } = simulation.stores;
  const puts: string[] = [];
  const put = facts.put.bind(facts);
  facts.put = (key, value) => {
    puts.push(key);
    return put(key, value);
  };
  const { waiting } = looking(simulation);
  await waiting.look(never);
  await waiting.look(never);
  await looking(simulation).waiting.look(never);

  expect(puts).toEqual(["told-of-runs"]);
});

test("a run whose record was ended for it is told with the reason", async () => {
  const { simulation, told, waiting } = looking(await asked());
  await waiting.look(never);
  const broken = new BrokenRuns({
    clock: simulation.clock,
    ...simulation.stores,
    brokenBecause: async () => "it was made by another release",
    trouble: () => undefined,
  });
  await broken.look(never);
  await waiting.look(never);
  await waiting.look(never);

  expect((await simulation.record("run-dr")).status).toBe("stuck");
  expect(told.map(({ title }) => title)).toEqual([
    expect.stringContaining("waits for a person"),
    expect.stringContaining("is stuck"),
  ]);
  expect(told[1]?.text).toMatch(/it was made by another release.*run show run-dr.*status/u);
});

test("a move that made room is told of only where the next one did not take over", async () => {
  const simulation = new Simulation();
  const plan = simulation.plan("switchover");
  simulation.world.inject({ operation: `drain ${B}`, how: "before", times: 1_000 });
  await simulation.runner.start(plan, "operator:ann");
  await simulation.untilStatus(plan.id, ({ status }) => status === "needs-attention");
  const { told, waiting } = looking(simulation);
  const room = { by: "decision", reason: "the site is lost", supersededBy: "dr-2" } as const;
  await simulation.tell(plan.id, { kind: "cancel", ...room });
  await simulation.untilStatus(plan.id, ({ endedAtMs }) => endedAtMs !== null);

  await waiting.look(never);
  expect(told).toEqual([]);
  await simulation.clock.advance(30_000);
  await waiting.look(never);
  await waiting.look(never);
  expect(told.map(({ title }) => title)).toEqual([`shop: switchover ${plan.id} was left half-way`]);
  expect(told[0]?.text).toContain("cloudphoenix plan rollback");

  const back = simulation.plan("rollback", { generation: 3, parentGeneration: 2 });
  expect((await simulation.run(back)).status).toBe("completed");
  await simulation.clock.advance(3_600_000);
  await waiting.look(never);
  expect(told).toHaveLength(1);
});

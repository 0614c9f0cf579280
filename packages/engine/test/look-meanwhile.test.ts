// Goal: nobody has to answer what has passed by itself, and what was asked stands until then.
// Method: let a run wait for people, change the world, and let time pass without anybody saying a word.
import { CloudPhoenixError, type Plan, type RunRecord } from "@cloudphoenix/core";
import { expect, test } from "vitest";
import { A, B, Simulation, type Tap, ended } from "./simulation.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const waits = ({ status }: RunRecord): boolean => status !== "running";

async function started(simulation: Simulation): Promise<{ plan: Plan; stopped: RunRecord }> {
  const plan = simulation.plan("dr");
  await simulation.runner.start(plan, "decision");
  return { plan, stopped: await simulation.untilStatus(plan.id, waits) };
}

/** The old site is cut off, and its ways in do not close this often. */
function weaklyFenced(times: number): Simulation {
  const simulation = new Simulation();
  simulation.world.inject({ operation: `shut ${A}`, how: "before", times });
  simulation.world.strike(({ sites }) => {
    sites[A]!.condition = "isolated";
  });
  return simulation;
}

/** The old site is lost, and the standby is behind by more than the objective. */
async function lossy(): Promise<Simulation> {
  const simulation = new Simulation();
  simulation.world.strike(({ replication }) => {
    replication.stalled = true;
  });
  await simulation.clock.advance(20_000);
  simulation.world.strike(({ sites }) => {
    sites[A]!.condition = "dead";
  });
  return simulation;
}

/** A step that fails this way until it is told to work. */
interface Fault {
  works: boolean;
  tries: number;
  readonly tap: Tap;
}

function failing(step: string, code: "UNREACHABLE" | "UNAUTHORIZED"): Fault {
  const fault: Fault = {
    works: false,
    tries: 0,
    tap: async (call) => {
      if (call.step.id !== step || call.action !== call.step.action) return call.run();
      fault.tries += 1;
      if (fault.works) return call.run();
      throw new CloudPhoenixError(code, "made to fail", { retryable: code === "UNREACHABLE" });
    },
  };
  return fault;
}

test("a region that comes back while people are asked about a loss is read, and nobody is needed", async () => {
  const simulation = await lossy();
  const { plan, stopped } = await started(simulation);
  expect(stopped.waitingFor).toContain("may lose 20000 ms of writes");
  await simulation.clock.advance(5 * MINUTE_MS);
  expect(await simulation.record(plan.id)).toMatchObject({
    question: 1,
    waitingFor: stopped.waitingFor,
  });

  simulation.world.strike(({ sites }) => {
    sites[A]!.condition = "alive";
  });
  const run = await simulation.untilStatus(plan.id, ended);

  expect(run).toMatchObject({ status: "completed", approvals: [], question: null });
  expect(run.steps.find(({ id }) => id === "measure-loss")?.result).toMatchObject({ boundMs: 0 });
  expect(await simulation.texts(plan.id)).toContain(
    "measure-loss is done after all, and nobody has to say anything about it",
  );
});

test("a fence that gets through after all needs nobody's agreement", async () => {
  const simulation = weaklyFenced(60);
  const { plan, stopped } = await started(simulation);
  expect(stopped).toMatchObject({ status: "waiting-approval", question: 1 });

  const run = await simulation.untilStatus(plan.id, ended);

  expect(run).toMatchObject({ status: "completed", approvals: [] });
  expect(run.steps.find(({ id }) => id === "fence-site")?.result).toMatchObject({
    degree: "network",
  });
});

test("a question stands for days as it was asked, and its answer counts", async () => {
  const simulation = weaklyFenced(Number.POSITIVE_INFINITY);
  const { plan, stopped } = await started(simulation);
  const eventsBefore = await simulation.texts(plan.id);
  await simulation.clock.advance(48 * HOUR_MS);

  expect(await simulation.record(plan.id)).toMatchObject({
    status: "waiting-approval",
    question: 1,
    waitingFor: stopped.waitingFor,
  });
  expect(await simulation.texts(plan.id)).toEqual(eventsBefore);
  expect(simulation.world.effects).not.toContain(`promote ${B}`);

  await simulation.tell(plan.id, { kind: "approve", by: "ann", comment: "off", question: 1 });
  expect(await simulation.untilStatus(plan.id, ended)).toMatchObject({ status: "completed" });
});

test("a step that failed is done by itself once it can be, an hour later, too", async () => {
  const fault = failing("open-writes", "UNREACHABLE");
  const simulation = new Simulation(fault.tap);
  const { plan, stopped } = await started(simulation);
  expect(stopped.status).toBe("needs-attention");
  await simulation.clock.advance(HOUR_MS);
  const triesInAnHour = fault.tries;
  expect((await simulation.texts(plan.id)).filter((text) => text === "made to fail")).toHaveLength(
    stopped.steps.find(({ id }) => id === "open-writes")?.attempts ?? 0,
  );

  fault.works = true;
  const run = await simulation.untilStatus(plan.id, ended);

  expect(run.status).toBe("completed");
  expect(await simulation.stores.roles.read()).toMatchObject({ active: B });
  expect(triesInAnHour).toBeGreaterThan(12);
  expect(triesInAnHour).toBeLessThan(40);
});

test("a failure that does not pass by itself is left to people", async () => {
  const fault = failing("switch-traffic", "UNAUTHORIZED");
  const simulation = new Simulation(fault.tap);
  const { plan } = await started(simulation);
  fault.works = true;
  await simulation.clock.advance(HOUR_MS);

  expect(await simulation.record(plan.id)).toMatchObject({ status: "needs-attention" });
  expect(fault.tries).toBe(1);
});

test("a run that somebody holds is not tried again until it is resumed", async () => {
  const fault = failing("switch-traffic", "UNREACHABLE");
  const simulation = new Simulation(fault.tap);
  const { plan } = await started(simulation);
  await simulation.tell(plan.id, { kind: "pause", by: "ann" });
  await simulation.clock.advance(1_000);
  const triesBefore = fault.tries;
  fault.works = true;
  await simulation.clock.advance(HOUR_MS);
  expect(fault.tries).toBe(triesBefore);

  await simulation.tell(plan.id, { kind: "resume", by: "ann" });
  expect(await simulation.untilStatus(plan.id, ended)).toMatchObject({ status: "completed" });
});

test("a run whose generation was taken meanwhile is over, although nobody ends it", async () => {
  const simulation = weaklyFenced(Number.POSITIVE_INFINITY);
  const { plan } = await started(simulation);
  const { generation, active } = await simulation.stores.roles.read();
  await simulation.stores.roles.claim("another", generation + 1, active);

  expect(await simulation.untilStatus(plan.id, ended)).toMatchObject({ status: "superseded" });
  expect(simulation.world.effects).not.toContain(`promote ${B}`);
});

test("steps that failed together are all done as soon as one of them gets through", async () => {
  let works = false;
  const simulation = new Simulation(async (call) => {
    if (call.action.kind !== "scale-workload" || works) return call.run();
    throw new CloudPhoenixError("UNREACHABLE", "the cloud's API is away", { retryable: true });
  });
  const sound = simulation.plan("switchover");
  const steps = sound.steps.flatMap((step) =>
    step.id === "scale-orders" ? [step, { ...step, id: "scale-others" }] : [step],
  );
  const plan = { ...sound, steps };
  await simulation.runner.start(plan, "operator:ann");
  const stopped = await simulation.untilStatus(plan.id, waits);
  const failed = stopped.steps.filter(({ status }) => status === "failed");
  expect(failed.length).toBeGreaterThan(1);

  works = true;
  const backAtMs = simulation.clock.now();
  const run = await simulation.untilStatus(plan.id, ended);

  expect(run.status).toBe("completed");
  expect(simulation.clock.now() - backAtMs).toBeLessThan(15_000);
  const asked = (await simulation.texts(plan.id)).filter((text) => text.includes("retry, skip"));
  expect(asked).toHaveLength(1);
});

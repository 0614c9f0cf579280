import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Decision } from "@cloudphoenix/core";
import { type SandboxUnderTest, sandboxUnderTest, until } from "./sandbox-under-test.ts";

// Goal: every fault leads to the right verdict on real parts. Method: one sandbox, one fault after
// the other, each mended and calm again before the next; the one that ends the site comes last.

let sandbox: SandboxUnderTest;
let runsBefore = 0;

beforeAll(async () => {
  sandbox = await sandboxUnderTest({ policy: { heals_max: 20, cooldown: "1s" } });
});

afterAll(() => sandbox.close());

beforeEach(async () => {
  await sandbox.world.mend();
  await until(
    "calm",
    () => sandbox.status(),
    (status) =>
      status.activeRun === null && status.decision?.verdict === "none" && status.protected.yes,
  );
  runsBefore = (await sandbox.runs()).length;
});

test("flapping changes nothing, although the score is high again and again", async () => {
  await sandbox.world.breakIt("flapping");

  const flips = await redAndGreen(6);

  expect(flips).toBeGreaterThanOrEqual(6);
  expect(await newRuns()).toEqual([]);
}, 90_000);

test("blind monitors change nothing and are called blind", async () => {
  await sandbox.world.breakIt("monitor-blind");

  // The vantages do not go blind in the same instant: the first of them may be out of the count while
  // another's last answers still are in it.
  const decision = await until(
    "verdict unknown without a point",
    () => sandbox.decision(),
    (seen) => seen.verdict === "unknown" && seen.score.points === 0,
  );

  expect(decision.action.kind).not.toBe("act");
  expect(await newRuns()).toEqual([]);
}, 90_000);

test("a slow database stays within level 1: it never moves the application", async () => {
  await sandbox.world.breakIt("db-slowdown");

  const decision = await until(
    "degraded",
    () => sandbox.decision(),
    (seen) =>
      seen.score.contributions.some(
        (one) => one.kind === "service-health" && one.status === "degraded",
      ),
  );

  expect(["none", "heal"]).toContain(decision.verdict);
  expect((await newRuns()).filter((run) => run.plan.kind !== "heal")).toEqual([]);
}, 90_000);

test("a crashed pod is replaced in place", async () => {
  await sandbox.world.breakIt("pod-crash");

  const run = await endOfHeal();

  expect(run.status).toBe("completed");
  expect(run.plan.steps.map((step) => step.action.kind)).toContain("restart-workload");
}, 90_000);

test("a standby that lost a replica is healed in place, and nothing moves", async () => {
  const { active } = await sandbox.world.status();
  const standby = Object.keys(sandbox.world.urls.entries).find((site) => site !== active);
  await sandbox.world.breakIt("pod-crash", standby);

  const run = await endOfHeal();

  expect(run.plan).toMatchObject({ from: standby, to: standby });
  expect(run.status).toBe("completed");
  expect((await sandbox.world.status()).active).toBe(active);
}, 90_000);

test("a failed zone is healed in place", async () => {
  await sandbox.world.breakIt("az-failure");

  const run = await until("a heal", newRuns, (runs) => runs.length > 0);

  expect(run.map((one) => one.plan.kind)).not.toContain("dr");
  expect(run[0]?.plan.kind).toBe("heal");
}, 90_000);

test("a crashed database is started again in place", async () => {
  await sandbox.world.breakIt("db-crash");

  const run = await endOfHeal();

  expect(run.status).toBe("completed");
  expect(run.plan.steps.map((step) => step.action.kind)).toContain("restart-database");
}, 90_000);

test("a stalled replication blocks an automatic move and says why", async () => {
  await sandbox.world.breakIt("replication-stall");
  await until(
    "a loss beyond the objective",
    () => sandbox.status(),
    (status) => (status.standbys[0]?.replication?.lossBoundMs ?? 0) > 6_000,
  );

  await sandbox.world.breakIt("region-loss");
  const decision = await until(
    "a blocked move",
    () => sandbox.decision(),
    (seen) => seen.verdict === "dr" && seen.action.kind === "blocked",
  );

  expect(guard(decision, "data-fresh")).toMatchObject({
    outcome: "block",
    sentence: expect.stringMatching(/^Loss would be at most .* s, objective/),
  });
  expect(await sandbox.explain()).toContain("data-fresh");
  expect((await newRuns()).map((run) => run.plan.kind)).not.toContain("dr");
}, 120_000);

function guard(decision: Decision, name: string): Decision["guards"][number] | undefined {
  return decision.guards.find((one) => one.guard === name);
}

async function newRuns(): ReturnType<SandboxUnderTest["runs"]> {
  const runs = await sandbox.runs();
  return runs.slice(0, runs.length - runsBefore);
}

async function endOfHeal(): Promise<Awaited<ReturnType<typeof newRuns>>[number]> {
  const runs = await until(
    "the end of a heal",
    newRuns,
    (seen) => seen.some((run) => run.plan.kind === "heal" && run.endedAtMs !== null),
    60_000,
  );
  expect(runs.map((run) => run.plan.kind)).toEqual(runs.map(() => "heal"));
  const healed = runs.find((run) => run.endedAtMs !== null);
  if (healed === undefined) throw new Error("no heal has ended");
  return healed;
}

/** Counts changes between a high and a low score until there were `wanted`. */
async function redAndGreen(wanted: number): Promise<number> {
  let flips = 0;
  let high = false;
  await until(
    "flapping",
    async () => {
      const { score } = await sandbox.decision();
      const now = score.points >= 4;
      if (now !== high) flips += 1;
      high = now;
      return flips;
    },
    (seen) => seen >= wanted,
    60_000,
  );
  return flips;
}

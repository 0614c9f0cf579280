/** Seeds beside quarantine and moves: real workers, one after the other in one state database. */
import { quarantineKey } from "@cloudphoenix/engine";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SeedProgress } from "../src/seed/seed-progress.ts";
import { seedBatch, seedStandby } from "../src/seed/seed-standby.ts";
import { samplePlan } from "./sample-plan.ts";
import { AWS, AZURE, eventually, keysOf, put, WorkerFixture } from "./worker-fixture.ts";

let world: WorkerFixture;

beforeAll(async () => {
  world = await WorkerFixture.start({ objects: "in_flight: 4" });
  await put(world.active.store, "receipts/1", "one");
  await world.worker("--no-follow").until("working");
}, 60_000);

afterAll(async () => {
  await world.remove();
});

function seeded(name: string, signal = AbortSignal.timeout(30_000)): Promise<SeedProgress> {
  const { configuration, state, stores } = world;
  return seedStandby({ configuration, state, stores, name, onProgress: () => undefined, signal });
}

/** A plan claims the next generation and ends with the application at `active`. */
async function moved(active: string): Promise<void> {
  const { roles, runs } = world.state;
  const before = await roles.read();
  const generation = before.generation + 1;
  const id = `run-${generation}`;
  await runs.create({ plan: samplePlan(id, generation), startedBy: "test", atMs: 1 });
  await roles.claim(id, generation, before.active);
  await roles.settle(generation, { active, protected: true });
  await runs.setStatus(id, {
    status: "completed",
    waitingFor: null,
    question: null,
    endedAtMs: 2,
    order: 1,
  });
}

test("a seed writes nothing to a quarantined site, says why, and goes on by its name afterwards", async () => {
  const { facts } = world.state;
  await facts.put(quarantineKey(AZURE), { site: AZURE, decisions: [] });
  const refused = await seeded("first");
  expect(refused).toMatchObject({ copied: 0, ranges: { done: 0, "set-aside": 1 } });
  expect(refused.trouble).toEqual([expect.stringContaining("azure-westeurope is quarantined")]);
  expect(await keysOf(world.standby.store)).toEqual([]);
  await facts.put(quarantineKey(AZURE), null);
  expect(await seeded("first")).toMatchObject({ copied: 1, ranges: { done: 1, "set-aside": 0 } });
  expect(await keysOf(world.standby.store)).toEqual(["receipts/1"]);
}, 60_000);

test("a seed that a generation overtook is whole when it is asked for again", async () => {
  for (const worker of world.workers) await worker.end();
  await put(world.active.store, "receipts/2", "two");
  const { generation } = await world.state.roles.read();
  const stop = new AbortController();
  const cut = seeded("second", stop.signal).catch((error: unknown) => error);
  const batch = seedBatch("second", { from: AWS, to: AZURE, generation });
  await eventually("the range", async () =>
    (await world.state.work.batch("shop", batch, 10)).length > 0 ? true : null,
  );
  stop.abort();
  await cut;
  // A move that was given up: the active site stays, the generation does not.
  await moved(AWS);
  await world.worker("--no-follow").until("working");
  expect(await seeded("second")).toMatchObject({ copied: 1, ranges: { done: 1, "set-aside": 0 } });
  expect(await keysOf(world.standby.store)).toEqual(["receipts/1", "receipts/2"]);
}, 60_000);

test("a seed of the same name after a move fills the new standby", async () => {
  await put(world.standby.store, "receipts/3", "three");
  await moved(AZURE);
  expect(await seeded("second")).toMatchObject({ copied: 1, ranges: { done: 1 } });
  expect(await keysOf(world.active.store)).toEqual(["receipts/1", "receipts/2", "receipts/3"]);
}, 60_000);

test("a seed that is asked for during a move writes nothing until that is over, and goes on by itself", async () => {
  const { roles, runs, work } = world.state;
  const before = await roles.read();
  const generation = before.generation + 1;
  await put(world.standby.store, "receipts/4", "four");
  // A run that nobody knows may be anywhere in its move.
  await roles.claim("run-4", generation, before.active);
  const seeding = seeded("third");
  const batch = seedBatch("third", { from: AZURE, to: AWS, generation });
  await eventually("the refusal", async () => {
    const [range] = await work.batch("shop", batch, 10);
    return range?.failure?.message.includes("is changing which site is active") === true || null;
  });
  expect(await keysOf(world.active.store)).not.toContain("receipts/4");
  await runs.create({ plan: samplePlan("run-4", generation), startedBy: "test", atMs: 1 });
  await runs.setStatus("run-4", {
    status: "undone",
    waitingFor: null,
    question: null,
    endedAtMs: 2,
    order: 1,
  });
  expect(await seeding).toMatchObject({ copied: 1, ranges: { done: 1, "set-aside": 0 } });
}, 60_000);

/** The copy from Blob to S3, told of changes by events that Azurite puts on its own queue. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { samplePlan } from "./sample-plan.ts";
import { AZURE, eventually, put, textAt, WorkerFixture } from "./worker-fixture.ts";

/** On a machine that is busy with other things; the next comparison is an hour away. */
const SOON_MS = 5_000;
let world: WorkerFixture;

beforeAll(async () => {
  world = await WorkerFixture.start({ objects: "reconcile: 1h, canary: 1m", blobEvents: true });
});

afterAll(async () => {
  await world.remove();
});

/** How long it takes until the copy holds this text. */
async function arrivesWithin(key: string, text: string): Promise<number> {
  const beganMs = performance.now();
  await eventually(`${key} at home`, async () =>
    (await textAt(world.active.store, key)) === text ? true : null,
  );
  return performance.now() - beganMs;
}

/** As a run that has ended leaves it. */
async function moveToBlob(): Promise<void> {
  const { roles, runs } = world.state;
  await roles.claim("run-1", 2);
  await roles.settle(2, { active: AZURE, protected: true });
  await runs.create({ plan: samplePlan("run-1", 2), startedBy: "test", atMs: 1 });
  const status = { waitingFor: null, question: null, endedAtMs: 2, order: 1 };
  await runs.setStatus("run-1", { status: "completed", ...status });
}

test("what is written at the Blob site is copied home long before the next comparison", async () => {
  // Written while Blob was the standby: nobody takes these events until it is active.
  for (let n = 0; n < 300; n += 1) await put(world.standby.store, `before/${n}`, "1");
  await moveToBlob();
  await world.worker().until("copying objects");
  await eventually("the first comparison", async () => {
    const facts = await world.facts();
    return facts?.from === AZURE && facts.markMs !== null ? true : null;
  });

  await put(world.standby.store, "receipts/1", "one");
  expect(await arrivesWithin("receipts/1", "one")).toBeLessThan(SOON_MS);
  await put(world.standby.store, "receipts/1", "another");
  expect(await arrivesWithin("receipts/1", "another")).toBeLessThan(SOON_MS);
}, 60_000);

/** The copy from Blob to S3, told of changes by events that Azurite puts on its own queue. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { moveTo } from "./move-to.ts";
import { AZURE, eventually, put, textAt, WorkerFixture } from "./worker-fixture.ts";

/** On a machine that is busy with other things; the next comparison is an hour away. */
const SOON_MS = 5_000;
let world: WorkerFixture;

beforeAll(async () => {
  world = await WorkerFixture.start({ objects: "reconcile: 1h, canary: 1m", events: true });
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

test("what is written at the Blob site is copied home long before the next comparison", async () => {
  // Written while Blob was the standby: nobody takes these events until it is active.
  for (let n = 0; n < 300; n += 1) await put(world.standby.store, `before/${n}`, "1");
  await moveTo(world, AZURE);
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

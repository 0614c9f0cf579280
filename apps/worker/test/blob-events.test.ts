/** The copy from Blob to S3, told of changes by events that Azurite puts on its own queue. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { moveTo } from "./move-to.ts";
import { AZURE, eventually, put, textAt, WorkerFixture } from "./worker-fixture.ts";

let world: WorkerFixture;

beforeAll(async () => {
  world = await WorkerFixture.start({ objects: "reconcile: 1h, canary: 1m", events: true });
});

afterAll(async () => {
  await world.remove();
});

/** What the copy holds once that is this text: a minute at most, and the next comparison is an hour away. */
function arriving(key: string, text: string): Promise<string> {
  return eventually(`${key} at home`, async () => {
    const found = await textAt(world.active.store, key);
    return found === text ? found : null;
  });
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
  expect(await arriving("receipts/1", "one")).toBe("one");
  await put(world.standby.store, "receipts/1", "another");
  expect(await arriving("receipts/1", "another")).toBe("another");
}, 150_000);

/** What workers copied, event by event, there and back and as a seed, judged by rclone reading every byte. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ObjectStore } from "@cloudphoenix/objects";
import { seedStandby } from "../../../../apps/worker/src/seed/seed-standby.ts";
import { moveTo } from "../../../../apps/worker/test/move-to.ts";
import {
  AWS,
  AZURE,
  EVENT_QUEUE,
  eventually,
  keysOf,
  put,
  S3_KEYS,
  WorkerFixture,
} from "../../../../apps/worker/test/worker-fixture.ts";
import { Rclone, rcloneAvailable } from "./rclone.ts";

const OBJECTS = 60;
const LARGE = "large ".repeat(1_500_000);
const NEVER = new AbortController().signal;
/** Deletes wait for nothing but a second comparison; as many as come are meant. */
const OBJECTS_SECTION =
  "reconcile: 1s, canary: 500ms, deletes: { delay: 0s, max_percent: 100, max_count: 10000 }";

const NO_FAULTS = { duplicateShare: 0, lossShare: 0, reorderWindow: 0 };

let world: WorkerFixture;
let rclone: Rclone;

/** Names that differ between the stores, but for the copy's own canary. */
async function differences(): Promise<readonly string[]> {
  return rclone.differences(
    "primary:receipts",
    "standby:receipts",
    "--exclude",
    "/.cloudphoenix/**",
  );
}

async function open(options: Parameters<typeof WorkerFixture.start>[0]): Promise<void> {
  world = await WorkerFixture.start(options);
  const { endpoint, region } = world.s3;
  rclone = await Rclone.open({ endpoint, region, credentials: S3_KEYS }, world.blob.azurite);
}

async function close(): Promise<void> {
  await rclone.close();
  await world.remove();
}

/** Writes new objects, overwrites some and deletes others, all in a mix. @param round - tells contents apart */
async function change(store: ObjectStore, round: string): Promise<void> {
  for (let n = 0; n < OBJECTS; n += 1) {
    await put(store, `${round}/ünï ${n} ～`, `${round} ${n}`);
    await put(store, `again/${n}`, `${round} ${n}`);
    if (n % 3 === 0) await store.delete(`${round}/ünï ${n} ～`, { kind: "none" }, NEVER);
  }
  await put(store, `${round}/large`, `${round} ${LARGE}`);
  await put(store, `${round}/empty`, "");
}

/** Until what is active is at the other site, by our own listings; rclone judges after that. */
async function settled(from: ObjectStore, to: ObjectStore): Promise<void> {
  const changedMs = Date.now();
  await eventually("a copy of everything", async () => {
    const facts = await world.facts();
    const isLate = (facts?.markMs ?? 0) < changedMs || (facts?.pending ?? 1) > 0;
    return isLate ? null : String(await keysOf(from)) === String(await keysOf(to)) || null;
  });
}

describe.skipIf(!rcloneAvailable())("continuous copies, judged by rclone", () => {
  beforeAll(() => open({ objects: OBJECTS_SECTION, events: true }));
  afterAll(close);
  afterEach(() => world.s3.queues.get(EVENT_QUEUE)?.setFaults(NO_FAULTS));

  test("a check sees what a copy lacks, so that silence means something", async () => {
    await put(world.active.store, "planted", "only here");
    expect(await differences()).toEqual([expect.stringMatching(/^[-+] planted$/u)]);
    await world.active.store.delete("planted", { kind: "none" }, NEVER);
  });

  test("S3 to Blob with overwrites, deletes, and half of the events lost", async () => {
    world.s3.queues.get(EVENT_QUEUE)?.setFaults({ ...NO_FAULTS, lossShare: 0.5 });
    await world.worker().until("copying objects");
    await change(world.active.store, "first");
    await settled(world.active.store, world.standby.store);
    expect(await differences()).toEqual([]);
  });

  test("Blob to S3 after a move, with overwrites, deletes, and events dropped", async () => {
    await moveTo(world, AZURE);
    // More than the queue lets wait before the copy has turned round: the others are dropped.
    for (let n = 0; n < 250; n += 1) await put(world.standby.store, `burst/${n}`, `second ${n}`);
    await change(world.standby.store, "second");
    await settled(world.standby.store, world.active.store);
    expect(await differences()).toEqual([]);
  });

  test("S3 to Blob again, after the way home", async () => {
    await moveTo(world, AWS);
    await change(world.active.store, "third");
    for (let n = 0; n < 250; n += 5) {
      await world.active.store.delete(`burst/${n}`, { kind: "none" }, NEVER);
    }
    await settled(world.active.store, world.standby.store);
    expect(await differences()).toEqual([]);
  });
});

describe.skipIf(!rcloneAvailable())("a seed, judged by rclone", () => {
  beforeAll(() => open({ objects: "in_flight: 8" }));
  afterAll(close);

  test.each([
    [AWS, AZURE],
    [AZURE, AWS],
  ])("from %s to an empty store, shared by two workers", async (from) => {
    if (from === AZURE) await moveTo(world, AZURE);
    const source = from === AWS ? world.active.store : world.standby.store;
    const target = from === AWS ? world.standby.store : world.active.store;
    await change(source, `seed of ${from}`);
    for (const key of await keysOf(target)) await target.delete(key, { kind: "none" }, NEVER);
    for (let workers = 0; workers < 2; workers += 1) world.worker("--no-follow");
    const { configuration, state, stores } = world;
    const done = await seedStandby({
      configuration,
      state,
      stores,
      name: "judged",
      rangeObjects: 25,
      onProgress: () => undefined,
      signal: AbortSignal.timeout(60_000),
    });
    expect(done).toMatchObject({ failed: 0, failures: [] });
    expect(await differences()).toEqual([]);
  });
});

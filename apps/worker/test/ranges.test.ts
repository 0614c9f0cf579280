/** Ranges shared among real processes: killed in the middle, and nothing lost. */
import { setTimeout as wait } from "node:timers/promises";
import { copierMemoryKey, writeCanary } from "@cloudphoenix/objects";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { seedProgress } from "../src/seed/seed-progress.ts";
import { seedBatch, seedStandby } from "../src/seed/seed-standby.ts";
import { AWS, AZURE, eventually, hashesOf, md5Of, put, WorkerFixture } from "./worker-fixture.ts";

const OBJECTS = 1_500;
const RANGE = 100;
const BATCH = seedBatch("test", { from: AWS, to: AZURE, generation: 1 });
let world: WorkerFixture;

beforeAll(async () => {
  world = await WorkerFixture.start({ objects: "in_flight: 4" });
  for (let n = 0; n < OBJECTS; n += 50) {
    const some = Array.from({ length: 50 }, (_, m) => nameOf(n + m));
    await Promise.all(some.map((key) => put(world.active.store, key, `v of ${key}`)));
  }
});

afterAll(async () => {
  await world.remove();
});

const NEVER = new AbortController().signal;
const nameOf = (n: number): string => `receipts/${String(n).padStart(5, "0")}`;

test("workers that are killed in the middle of a range lose nothing, and nothing is copied for nothing", async () => {
  const { configuration, state, stores } = world;
  const signal = AbortSignal.timeout(100_000);
  const seeding = seedStandby({
    configuration,
    state,
    stores,
    name: "test",
    rangeObjects: RANGE,
    onProgress: () => undefined,
    signal,
  });
  const copied = async (): Promise<number> =>
    seedProgress(await state.work.batch("shop", BATCH, 100)).copied;
  const spare = world.worker("--no-follow");
  for (let kills = 0; kills < 3; kills += 1) {
    const before = await copied();
    const victim = world.worker("--no-follow", "--slots", "2");
    await eventually("progress", async () => ((await copied()) > before ? true : null));
    await wait(Math.random() * 200);
    victim.kill("SIGKILL");
  }
  await spare.until("working");
  const done = await seeding;
  expect(done.ranges).toMatchObject({ done: OBJECTS / RANGE + 1, "set-aside": 0 });
  expect(done).toMatchObject({ failed: 0, failures: [], trouble: [] });
  const expected = Array.from({ length: OBJECTS }, (_, n) => [
    nameOf(n),
    md5Of(`v of ${nameOf(n)}`),
  ]);
  expect(await hashesOf(world.standby.store)).toEqual(expected);
  // Two slots of four objects were under way at each kill; nothing else was read twice.
  const { requests } = world.s3.counters.report()["GetObject"]!;
  expect(requests).toBeLessThanOrEqual(OBJECTS + 3 * 2 * 4);
}, 120_000);

test("a seed of the same name is not begun anew, and a new one finds everything in place", async () => {
  const { configuration, state, stores } = world;
  const given = { configuration, state, stores, onProgress: () => undefined };
  const signal = AbortSignal.timeout(50_000);
  world.worker("--no-follow");
  const before = await state.work.counts("shop");
  await seedStandby({ ...given, name: "test", signal });
  expect(await state.work.counts("shop")).toEqual(before);
  const again = await seedStandby({ ...given, name: "again", signal });
  expect(again).toMatchObject({ copied: 0, looked: OBJECTS });
}, 60_000);

test("a seed whose cut was interrupted is cut again, and every name is in some range", async () => {
  const { configuration, state, stores } = world;
  const given = { configuration, state, stores, name: "cut", rangeObjects: 300 };
  const stop = new AbortController();
  const work = Object.create(state.work) as typeof state.work;
  work.batch = (...asked) => state.work.batch(...asked);
  let enqueued = 0;
  work.enqueue = async (task) => {
    enqueued += 1;
    if (enqueued === 3) stop.abort();
    stop.signal.throwIfAborted();
    return state.work.enqueue(task);
  };
  const interrupted = seedStandby({
    ...given,
    state: { roles: state.roles, work },
    onProgress: () => undefined,
    signal: stop.signal,
  });
  await expect(interrupted).rejects.toThrow(/abort/u);
  const signal = AbortSignal.timeout(50_000);
  const done = await seedStandby({ ...given, onProgress: () => undefined, signal });
  expect(done.ranges.done).toBe(2 + 6);
  expect(done.looked).toBe(2 * 300 + OBJECTS);
}, 60_000);

test("a plan's last synchronisation copies what is left, and is refused for an older generation", async () => {
  await put(world.active.store, "late", "1");
  const payload = { from: AWS, to: AZURE, limitMs: 20_000 };
  const work = { application: "shop", kind: "final-sync", urgency: 10 };
  const { generation } = await world.state.roles.read();
  const task = await world.state.work.enqueue({
    ...work,
    key: "final",
    payload: { ...payload, generation },
  });
  const stale = await world.state.work.enqueue({
    ...work,
    key: "stale",
    payload: { ...payload, generation: generation - 1 },
  });
  const ended = await eventually("the synchronisation", async () => {
    const read = await world.state.work.read(task.id);
    return read.status === "done" ? read : null;
  });
  expect(ended.result).toMatchObject({ copied: 1, left: 0, complete: true, failures: [] });
  const refused = await eventually("the refusal", async () => {
    const read = await world.state.work.read(stale.id);
    return read.status === "set-aside" ? read : null;
  });
  expect(refused.failure).toMatchObject({ code: "STALE_GENERATION" });
}, 60_000);

test("a plan's last synchronisation does not bring back what was copied and then deleted at the new site", async () => {
  const place = { store: world.active.store, prefix: "" };
  const nowMs = Date.now();
  await put(place.store, "deleted there", "1");
  await writeCanary(place, { writtenMs: nowMs, site: AWS, generation: 1 }, NEVER);
  const memory = {
    facts: { from: AWS, to: AZURE, backlogAgeMs: 0, failures: [] },
    copied: { untilMs: nowMs + 60_000, except: ["never copied"] },
    deletes: [],
  };
  await world.state.facts.put(copierMemoryKey("shop", AZURE), memory);
  await put(place.store, "never copied", "1");
  const { generation } = await world.state.roles.read();
  const task = await world.state.work.enqueue({
    application: "shop",
    kind: "final-sync",
    key: "after deletes",
    payload: { from: AWS, to: AZURE, limitMs: 20_000, generation },
  });
  const ended = await eventually("the synchronisation", async () => {
    const read = await world.state.work.read(task.id);
    return read.status === "done" ? read : null;
  });
  expect(ended.result).toMatchObject({ copied: 1, complete: true });
  expect(await world.standby.store.head("deleted there", NEVER)).toBeNull();
  expect(await world.standby.store.head("never copied", NEVER)).not.toBeNull();
}, 60_000);

test.each([
  ["accepts and never answers", { skip: 0, limitMs: 60_000, why: "no-answer" }],
  ["answers once and then hangs", { skip: 1, limitMs: 2_000, why: "out-of-time" }],
])(
  "a plan's last synchronisation does not wait for a source that %s",
  async (how, { skip, limitMs, why }) => {
    world.s3.faults.set([{ effect: { kind: "hang" }, skip }]);
    onTestFinished(() => world.s3.faults.set([]));
    const { generation } = await world.state.roles.read();
    const task = await world.state.work.enqueue({
      application: "shop",
      kind: "final-sync",
      key: how,
      payload: { from: AWS, to: AZURE, limitMs, generation },
    });

    const ended = await eventually("the synchronisation", async () => {
      const read = await world.state.work.read(task.id);
      return read.status === "done" ? read : null;
    });

    // Why it stopped says what it waited for: the first answer, far less than the limit, or that.
    expect(ended.result).toMatchObject({ copied: 0, left: null, stopped: { why } });
  },
  60_000,
);

test("a payload that is not understood is set aside", async () => {
  const work = { application: "shop", kind: "final-sync" };
  const wrong = await world.state.work.enqueue({
    ...work,
    key: "wrong",
    payload: { limitMs: "7" },
  });
  const aside = await eventually("the refusal", async () => {
    const read = await world.state.work.read(wrong.id);
    return read.status === "set-aside" ? read : null;
  });
  expect(aside.failure).toMatchObject({ code: "BAD_REQUEST" });
}, 60_000);

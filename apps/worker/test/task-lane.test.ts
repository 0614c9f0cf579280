import { CloudPhoenixError, type Json } from "@cloudphoenix/core";
import { MemoryWorkQueue, type WorkQueue } from "@cloudphoenix/engine";
import { VirtualClock } from "@cloudphoenix/testkit";
import { beforeEach, describe, expect, test } from "vitest";
import { type TaskContext, type TaskHandler, TaskLane } from "../src/lanes/task-lane.ts";

const CLAIM_MS = 8_000;
let clock: VirtualClock;
let queue: MemoryWorkQueue;
let outcomes: string[];
let stop: AbortController;

beforeEach(() => {
  clock = new VirtualClock();
  queue = new MemoryWorkQueue(clock);
  outcomes = [];
  stop = new AbortController();
});

function lane(copy: TaskHandler, more: { queue?: WorkQueue; slots?: number } = {}): TaskLane {
  return new TaskLane({
    queue: more.queue ?? queue,
    applications: ["shop"],
    handlers: { copy },
    slots: more.slots ?? 1,
    claimMs: CLAIM_MS,
    pollMs: 1_000,
    holder: "host/1",
    clock,
    random: { next: () => 0.5 },
    listener: { ended: (_kind, outcome) => outcomes.push(outcome), trouble: () => undefined },
  });
}

async function enqueued(key = "a", attemptsMax?: number): Promise<string> {
  const more = attemptsMax === undefined ? {} : { attemptsMax };
  const payload = { key };
  return (await queue.enqueue({ application: "shop", kind: "copy", key, payload, ...more })).id;
}

/** Works until told to stop by its signal. */
function endless(began: (context: TaskContext) => void): TaskHandler {
  return async (_payload, context) => {
    began(context);
    await clock.sleep(Number.MAX_SAFE_INTEGER, context.signal);
    return null;
  };
}

describe("a lane", () => {
  test("does tasks one after the other and keeps their results", async () => {
    const ids = [await enqueued("a"), await enqueued("b")];
    const running = lane(async (payload: Json) => ({ did: payload })).run(stop.signal);
    await clock.advance(1_000);
    for (const [n, id] of ids.entries()) {
      const result = { did: { key: "ab"[n] } };
      expect(await queue.read(id)).toMatchObject({ status: "done", result });
    }
    stop.abort();
    await running;
    expect(outcomes).toEqual(["done", "done"]);
  });

  test("keeps the claim of long work, with its progress", async () => {
    const id = await enqueued();
    const running = lane(endless((context) => context.note({ upTo: "k5" }))).run(stop.signal);
    await clock.advance(10 * CLAIM_MS);
    expect(await queue.read(id)).toMatchObject({
      status: "claimed",
      attempts: 1,
      progress: { upTo: "k5" },
    });
    stop.abort();
    await running;
  });

  test("gives everything back when it stops, with what was noted last", async () => {
    const id = await enqueued("a", 1);
    const running = lane(endless((context) => context.note({ upTo: "k7" }))).run(stop.signal);
    await clock.advance(100);
    stop.abort();
    await running;
    const back = { status: "waiting", attempts: 0, progress: { upTo: "k7" } };
    expect(await queue.read(id)).toMatchObject(back);
    expect(outcomes).toEqual(["given-back"]);
  });

  test("tries again what may pass, later and later, and sets aside what does not", async () => {
    let attempts = 0;
    const id = await enqueued("a", 3);
    const running = lane(async () => {
      attempts += 1;
      throw new CloudPhoenixError("OBJECT_STORE_UNREACHABLE", "no answer", { retryable: true });
    }).run(stop.signal);
    await clock.advance(500);
    expect(attempts).toBe(1);
    await clock.advance(2_000);
    expect(attempts).toBe(2);
    await clock.advance(60_000);
    expect(attempts).toBe(3);
    const failure = { code: "OBJECT_STORE_UNREACHABLE", message: "no answer" };
    expect(await queue.read(id)).toMatchObject({ status: "set-aside", failure });
    stop.abort();
    await running;
    expect(outcomes).toEqual(["failed", "failed", "set-aside"]);
  });

  test("sets aside at once what trying again cannot mend", async () => {
    const id = await enqueued();
    const running = lane(async () => {
      throw new CloudPhoenixError("STALE_GENERATION", "out of date", { retryable: false });
    }).run(stop.signal);
    await clock.advance(100);
    expect(await queue.read(id)).toMatchObject({ status: "set-aside", attempts: 1 });
    stop.abort();
    await running;
  });

  test("stops work whose task was cancelled", async () => {
    const id = await enqueued();
    let context: TaskContext | null = null;
    const running = lane(endless((given) => (context = given))).run(stop.signal);
    await clock.advance(100);
    await queue.cancel(id);
    await clock.advance(CLAIM_MS);
    expect(context!.signal.aborted).toBe(true);
    expect(() => context!.stillOurs()).toThrow(expect.objectContaining({ code: "CLAIM_LOST" }));
    expect(outcomes).toEqual(["claim-lost"]);
    stop.abort();
    await running;
  });

  test("gives its work up before anybody else may have it when it cannot renew", async () => {
    await enqueued();
    let context: TaskContext | null = null;
    const silent = Object.create(queue) as MemoryWorkQueue;
    silent.claim = (request) => queue.claim(request);
    silent.renew = async () => {
      throw new CloudPhoenixError("STATE_UNAVAILABLE", "no answer", { retryable: true });
    };
    const running = lane(
      endless((given) => (context ??= given)),
      { queue: silent },
    ).run(stop.signal);
    await clock.advance(CLAIM_MS - 500);
    expect(context!.signal.aborted).toBe(true);
    const another = { applications: ["shop"], kinds: ["copy"], holder: "x", claimMs: 1_000 };
    expect(await queue.claim(another)).toBeNull();
    stop.abort();
    await running;
  });

  test("that was frozen learns that its claim is gone before it acts", async () => {
    await enqueued();
    let context: TaskContext | null = null;
    const running = lane(endless((given) => (context ??= given))).run(stop.signal);
    await clock.advance(100);
    expect(() => context!.stillOurs()).not.toThrow();
    // Time passes and nothing of the process runs: no timer fires between the two.
    const frozen = clock.now.bind(clock);
    clock.now = () => frozen() + CLAIM_MS;
    expect(() => context!.stillOurs()).toThrow(expect.objectContaining({ code: "CLAIM_LOST" }));
    stop.abort();
    await running;
  });

  test("works on as many at once as it has slots", async () => {
    for (const key of ["a", "b", "c"]) await enqueued(key);
    let began = 0;
    const two = lane(
      endless(() => (began += 1)),
      { slots: 2 },
    );
    const running = two.run(stop.signal);
    await clock.advance(5_000);
    expect([began, two.busy]).toEqual([2, 2]);
    stop.abort();
    await running;
    expect(two.busy).toBe(0);
  });
});

import { CloudPhoenixError, type Json } from "@cloudphoenix/core";
import type { NewTask, Task, TaskStatus } from "@cloudphoenix/engine";
import type { ObjectStore } from "@cloudphoenix/objects";
import {
  MemoryObjectStore,
  SeededRandom,
  SIMULATED_APPLICATION,
  VirtualClock,
} from "@cloudphoenix/testkit";
import { describe, expect, test } from "vitest";
import { QueuedObjectDesk } from "../src/objects/queued-object-desk.ts";

const A = "aws-us-east-1";
const B = "azure-westeurope";

/** One task and what becomes of it. */
class Queue {
  readonly clock: VirtualClock = new VirtualClock();
  enqueued: NewTask | null = null;
  status: TaskStatus = "waiting";
  result: Json = null;
  failure: Task["failure"] = null;

  async enqueue(task: NewTask): Promise<Task> {
    this.enqueued = task;
    return this.read();
  }

  async read(): Promise<Task> {
    const { status, result, failure, enqueued } = this;
    const { application, kind, key } = enqueued ?? { application: "", kind: "", key: "" };
    const [id, attempts, holder, progress] = ["task-1", 1, null, null] as const;
    return { id, application, kind, key, status, attempts, holder, progress, result, failure };
  }

  async cancel(): Promise<void> {
    if (this.status === "waiting" || this.status === "claimed") this.status = "cancelled";
  }
}

async function storeWith(keys: readonly string[]): Promise<ObjectStore> {
  const store = new MemoryObjectStore();
  for (const key of keys) store.put(key, Buffer.from(key));
  return store;
}

async function* pages(...all: readonly (readonly string[])[]): AsyncGenerator<readonly string[]> {
  yield* all;
}

/** A page, and then none until the signal aborts. */
async function* endless(
  page: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  yield page;
  await new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });
}

async function deskFor(
  queue: Queue,
  given: {
    readonly stored: readonly string[];
    readonly references: readonly (readonly string[])[];
    readonly finalSyncMs?: number;
    readonly prefix?: string;
  },
): Promise<{ readonly desk: QueuedObjectDesk; readonly closed: () => number }> {
  const store = await storeWith(given.stored);
  let closed = 0;
  const desk = new QueuedObjectDesk({
    application: SIMULATED_APPLICATION,
    work: queue,
    clock: queue.clock,
    random: new SeededRandom(1),
    finalSyncMs: given.finalSyncMs ?? 3_000,
    references: () => given.references.map((keys) => pages(keys)),
    openPlace: async (site) => {
      if (site !== B) throw new Error(`nobody asked for ${site}`);
      return { store, prefix: given.prefix ?? "", close: () => (closed += 1) };
    },
  });
  return { desk, closed: () => closed };
}

async function settled(
  queue: Queue,
  desk: QueuedObjectDesk,
): Promise<Awaited<ReturnType<QueuedObjectDesk["settle"]>>> {
  const settling = desk.settle(A, B, 7, new AbortController().signal);
  settling.catch(() => undefined);
  for (let step = 0; step < 20; step += 1) await queue.clock.advance(500);
  return settling;
}

const DONE = {
  copied: 3,
  bytes: 30,
  left: 0,
  stopped: null,
  complete: true,
  markMs: 1,
  failures: [],
};

describe("settling objects", () => {
  test("has a worker copy what is left, for a bounded time, once per generation", async () => {
    const queue = new Queue();
    queue.status = "done";
    queue.result = DONE;
    const { desk, closed } = await deskFor(queue, { stored: ["a"], references: [["a"]] });
    expect(await settled(queue, desk)).toMatchObject({ copied: 3, left: 0, missing: 0 });
    expect(queue.enqueued).toMatchObject({
      kind: "final-sync",
      key: `final-sync ${A} ${B} 7`,
      payload: { from: A, to: B, generation: 7, limitMs: 3_000 },
    });
    expect(closed()).toBe(1);
  });

  test("names the rows whose object is missing, over every column", async () => {
    const queue = new Queue();
    queue.status = "done";
    queue.result = DONE;
    const references = [["a", "b", "d"], ["c"]];
    const { desk } = await deskFor(queue, { stored: ["a", "d", "e"], references });
    expect(await settled(queue, desk)).toMatchObject({
      referenced: 4,
      missing: 2,
      missingKeys: ["b", "c"],
    });
  });

  test("looks below the prefix of the place", async () => {
    const queue = new Queue();
    queue.status = "done";
    queue.result = DONE;
    const given = { stored: ["p/a", "q/b"], references: [["a", "b"]], prefix: "p/" };
    const { desk } = await deskFor(queue, given);
    expect(await settled(queue, desk)).toMatchObject({ missingKeys: ["p/b"] });
  });

  test("keeps what is known of the rows when there is no time for all of them", async () => {
    const queue = new Queue();
    queue.status = "done";
    queue.result = DONE;
    const store = await storeWith(["a", "c"]);
    const desk = new QueuedObjectDesk({
      application: SIMULATED_APPLICATION,
      work: queue,
      clock: queue.clock,
      random: new SeededRandom(1),
      finalSyncMs: 3_000,
      references: (_, signal) => [pages(["a", "b", "c"]), endless(["c"], signal), pages(["e"])],
      openPlace: async () => ({ store, prefix: "", close: () => undefined }),
    });
    const settling = desk.settle(A, B, 7, new AbortController().signal);
    await queue.clock.advance(3_700_000);
    expect(await settling).toMatchObject({
      copied: 3,
      referenced: 4,
      allRows: false,
      missingKeys: ["b"],
      detail: expect.stringMatching(/1 of 4 objects .* no time for the other rows$/u),
    });
  });

  test("goes on without a worker, and says so", async () => {
    const queue = new Queue();
    const { desk } = await deskFor(queue, { stored: [], references: [["a"]] });
    const settlement = await settled(queue, desk);
    expect(queue.status).toBe("cancelled");
    expect(settlement).toMatchObject({ copied: 0, left: null, missing: 1 });
    expect(settlement.detail).toContain("no worker took it in time");
  });

  test.each([
    [0, null, "3 more objects were copied from aws-us-east-1;"],
    [
      null,
      { why: "no-answer", message: null },
      "3 more objects were copied from aws-us-east-1: its store does not answer;",
    ],
    [
      null,
      { why: "out-of-time", message: null },
      "3 more objects were copied from aws-us-east-1, then the time was over: how many are left is not known;",
    ],
    [
      null,
      { why: "failed", message: "503 Slow Down" },
      "3 more objects were copied from aws-us-east-1: how many are left is not known: 503 Slow Down;",
    ],
    [
      2,
      { why: "objects", message: "no right to read a" },
      "3 more objects were copied from aws-us-east-1, 2 are left: no right to read a;",
    ],
    // As a worker of an older release tells it.
    [
      null,
      undefined,
      "3 more objects were copied from aws-us-east-1: how many are left is not known;",
    ],
    [2, undefined, "3 more objects were copied from aws-us-east-1, 2 are left;"],
  ])("with %j objects left and %j says so", async (left, stopped, words) => {
    const queue = new Queue();
    queue.status = "done";
    const { stopped: _, ...older } = { ...DONE, left, complete: left === 0 };
    queue.result = stopped === undefined ? older : { ...older, stopped };
    const { desk } = await deskFor(queue, { stored: [], references: [] });
    const { detail } = await settled(queue, desk);
    expect(detail.slice(0, words.length)).toBe(words);
  });

  test("goes on where the worker failed, with its words", async () => {
    const queue = new Queue();
    queue.status = "set-aside";
    queue.failure = { code: "OBJECT_STORE_DENIED", message: "the key is wrong" };
    const { desk } = await deskFor(queue, { stored: ["a"], references: [["a"]] });
    expect((await settled(queue, desk)).detail).toContain("was not copied: the key is wrong");
  });

  test("copies nothing where the configuration gives it no time", async () => {
    const queue = new Queue();
    const { desk } = await deskFor(queue, { stored: [], references: [], finalSyncMs: 0 });
    expect(await settled(queue, desk)).toMatchObject({ copied: 0, left: null, referenced: 0 });
    expect(queue.enqueued).toBeNull();
  });

  test("fails, to be tried again, if the new site cannot be compared", async () => {
    const queue = new Queue();
    queue.status = "done";
    queue.result = DONE;
    const desk = new QueuedObjectDesk({
      application: SIMULATED_APPLICATION,
      work: queue,
      clock: queue.clock,
      random: new SeededRandom(1),
      finalSyncMs: 1_000,
      references: () => [],
      openPlace: async () => {
        throw new CloudPhoenixError("CONFIG_INVALID", "no keys", { retryable: false });
      },
    });
    await expect(settled(queue, desk)).rejects.toThrow("no keys");
  });
});

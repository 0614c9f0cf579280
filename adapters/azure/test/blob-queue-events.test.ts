import { BlobQueueEvents } from "@cloudphoenix/adapter-azure";
import { type Azurite, startAzurite } from "@cloudphoenix/local-objects";
import type { ChangeHintBatch } from "@cloudphoenix/objects";
import { FaultyLink } from "@cloudphoenix/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createQueue, credentialOf, putMessage } from "./azurite-calls.ts";
import { gridEvent } from "./grid-event.ts";

let azurite: Azurite;
let link: FaultyLink;
let queue: string;
let events: BlobQueueEvents;
let queues = 0;
let control: AbortController;

beforeAll(async () => {
  azurite = await startAzurite({ directory: null, blobPort: 0, queuePort: 0 });
  link = await FaultyLink.open(new URL(azurite.queueEndpoint ?? ""));
});
afterAll(async () => {
  await link.close();
  await azurite.stop();
});
beforeEach(async () => {
  queues += 1;
  queue = `hints-${queues}`;
  await createQueue(azurite, queue);
  events = open(60);
  control = new AbortController();
});
afterEach(() => {
  link.fault = { kind: "none" };
  control.abort();
  events.close();
});

function open(holdSeconds: number, silenceMs = 20_000): BlobQueueEvents {
  return new BlobQueueEvents({
    endpoint: link.url,
    queue,
    credential: credentialOf(azurite),
    container: "receipts",
    holdSeconds,
    silenceMs,
  });
}

async function next(source: BlobQueueEvents): Promise<ChangeHintBatch> {
  for await (const batch of source.batches(control.signal)) return batch;
  throw new Error("the source ended");
}

const messages = async (): Promise<number> =>
  (await events.backlog(AbortSignal.timeout(10_000))).messages;

test("hands out hints and removes them only when they are done", async () => {
  await putMessage(azurite, queue, gridEvent({ key: "one" }));
  await putMessage(azurite, queue, gridEvent({ key: "two" }));
  const batch = await next(events);

  expect(batch.hints.map(({ key }) => key).toSorted()).toEqual(["one", "two"]);
  expect(await messages()).toBe(2);
  await batch.done(control.signal);
  await batch.done(control.signal);
  expect(await messages()).toBe(0);
});

test("hands out again what was not done within its time", async () => {
  await putMessage(azurite, queue, gridEvent({ key: "one" }));
  const impatient = open(1);
  await next(impatient);
  const again = await next(impatient);

  expect(again.hints).toMatchObject([{ key: "one" }]);
  await again.done(control.signal);
  expect(await messages()).toBe(0);
  impatient.close();
});

test("sets aside what it does not understand, counts it, and goes on", async () => {
  await putMessage(azurite, queue, { hello: "world" });
  await putMessage(azurite, queue, gridEvent({ key: "one" }));
  const batch = await next(events);

  expect(batch.setAside).toMatchObject([{ reason: "it is not an event of Event Grid" }]);
  expect(batch.hints).toMatchObject([{ key: "one" }]);
  await batch.done(control.signal);
  expect(await messages()).toBe(0);
});

test("waits for a message, and ends without an error when it is told to stop", async () => {
  const waiting = next(events);
  await putMessage(azurite, queue, gridEvent({ key: "late" }));
  expect((await waiting).hints).toMatchObject([{ key: "late" }]);

  const quiet = new AbortController();
  const ended = (async () => {
    for await (const batch of events.batches(quiet.signal)) void batch;
    return "ended";
  })();
  link.fault = { kind: "hang" };
  const hits = link.hitCount;
  await expect.poll(() => link.hitCount).toBeGreaterThan(hits);
  quiet.abort();
  expect(await ended).toBe("ended");
});

test("fails on a queue that is not there, and on one that does not answer", async () => {
  const missing = new BlobQueueEvents({
    endpoint: link.url,
    queue: "missing",
    credential: credentialOf(azurite),
    container: "receipts",
  });
  await expect(next(missing)).rejects.toMatchObject({ code: "NOT_FOUND" });
  missing.close();
  const impatient = open(60, 1_000);
  link.fault = { kind: "hang" };
  await expect(next(impatient)).rejects.toMatchObject({
    code: "OBJECT_STORE_UNREACHABLE",
    retryable: true,
  });
  impatient.close();
});

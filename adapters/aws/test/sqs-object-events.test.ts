import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { S3ObjectStore, SqsObjectEvents } from "@cloudphoenix/adapter-aws";
import { type LocalS3, startLocalS3 } from "@cloudphoenix/local-objects";
import { type ChangeHint, type ChangeHintBatch, compareSequencers } from "@cloudphoenix/objects";
import { bodyOf, FaultyLink, requestFor } from "@cloudphoenix/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createBucket, tellQueue } from "./local-s3-calls.ts";

const CREDENTIALS = { accessKeyId: "contract", secretAccessKey: "only-for-this-test" };
const BUCKET = "receipts";
const NAMES = ["flow", "again", "aside", "full", "broken"] as const;

let directory: string;
let server: LocalS3;
let link: FaultyLink;
let store: S3ObjectStore;
let client: SQSClient;
let control: AbortController;
const opened: SqsObjectEvents[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "hints-s3-"));
  const queues = { port: 0, names: [...NAMES] };
  server = await startLocalS3({ directory, port: 0, credentials: [CREDENTIALS], queues });
  link = await FaultyLink.open(new URL(server.queueEndpoint ?? ""));
  const { region } = server;
  client = new SQSClient({
    endpoint: server.queueEndpoint ?? "",
    region,
    credentials: CREDENTIALS,
  });
  await createBucket(server, CREDENTIALS, BUCKET);
  const endpoint = new URL(server.endpoint);
  store = new S3ObjectStore({ bucket: BUCKET, region, endpoint, credentials: CREDENTIALS });
});
afterAll(async () => {
  store.close();
  client.destroy();
  await link.close();
  await server.stop();
  await rm(directory, { recursive: true });
});
beforeEach(() => {
  control = new AbortController();
});
afterEach(() => {
  link.fault = { kind: "none" };
  control.abort();
  for (const source of opened.splice(0)) source.close();
});

async function queueUrl(name: string): Promise<string> {
  const { QueueUrl = "" } = await client.send(new GetQueueUrlCommand({ QueueName: name }));
  return QueueUrl;
}

async function open(
  name: string,
  { holdSeconds = 60, limitMs = 20_000 } = {},
): Promise<SqsObjectEvents> {
  const source = new SqsObjectEvents({
    queueUrl: new URL(await queueUrl(name)),
    region: server.region,
    endpoint: link.url,
    credentials: CREDENTIALS,
    bucket: BUCKET,
    holdSeconds,
    waitSeconds: 1,
    limitMs,
  });
  opened.push(source);
  return source;
}

async function send(name: string, body: string): Promise<void> {
  await client.send(new SendMessageCommand({ QueueUrl: await queueUrl(name), MessageBody: body }));
}

const event = (key: string): string =>
  JSON.stringify({
    Records: [
      {
        eventName: "ObjectCreated:Put",
        eventTime: "2026-03-01T10:00:00.000Z",
        s3: { bucket: { name: BUCKET }, object: { key, sequencer: "0A" } },
      },
    ],
  });

async function next(source: SqsObjectEvents): Promise<ChangeHintBatch> {
  for await (const batch of source.batches(control.signal)) return batch;
  throw new Error("the source ended");
}

const left = async (source: SqsObjectEvents): Promise<number> =>
  (await source.backlog(AbortSignal.timeout(10_000))).messages;

test("what happens in a bucket is heard, and removed from the queue when it is done", async () => {
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({
      QueueUrl: await queueUrl("flow"),
      AttributeNames: ["QueueArn"],
    }),
  );
  await tellQueue(server, CREDENTIALS, { bucket: BUCKET, arn: Attributes?.["QueueArn"] ?? "" });
  const key = "a b/ü+%20.pdf";
  await store.write(requestFor(key), bodyOf("1"), control.signal);
  await store.write(requestFor(key), bodyOf("2"), control.signal);
  await store.delete(key, { kind: "none" }, control.signal);
  const source = await open("flow");
  const hints: ChangeHint[] = [];
  for await (const batch of source.batches(control.signal)) {
    hints.push(...batch.hints);
    expect(batch.setAside).toEqual([]);
    await batch.done(control.signal);
    if (hints.length >= 3) break;
  }

  expect(hints.every((hint) => hint.key === key)).toBe(true);
  const ordered = hints.toSorted((a, b) => compareSequencers(a.sequencer, b.sequencer));
  expect(ordered.map(({ kind }) => kind)).toEqual(["written", "written", "deleted"]);
  await expect.poll(() => left(source)).toBe(0);
});

test("hands out again what was not done within its time", async () => {
  await send("again", event("one"));
  const source = await open("again", { holdSeconds: 1 });
  await next(source);
  const again = await next(source);

  expect(again.hints).toMatchObject([{ key: "one" }]);
  await again.done(control.signal);
  await again.done(control.signal);
  expect(await left(source)).toBe(0);
});

test("sets aside what it does not understand, and goes on", async () => {
  await send("aside", "{}");
  await send("aside", event("one"));
  const source = await open("aside");
  const setAside: string[] = [];
  const keys: string[] = [];
  for await (const batch of source.batches(control.signal)) {
    setAside.push(...batch.setAside.map(({ reason }) => reason));
    keys.push(...batch.hints.map(({ key }) => key));
    await batch.done(control.signal);
    if (keys.length + setAside.length >= 2) break;
  }

  expect({ setAside, keys }).toEqual({ setAside: ["it is not an event of S3"], keys: ["one"] });
  expect(await left(source)).toBe(0);
});

test("empties a long queue, each message once", async () => {
  for (let index = 0; index < 95; index += 1) await send("full", event(`key-${index}`));
  const source = await open("full");
  const keys: string[] = [];
  for await (const batch of source.batches(control.signal)) {
    keys.push(...batch.hints.map(({ key }) => key));
    await batch.done(control.signal);
    if (keys.length >= 95) break;
  }

  expect(new Set(keys).size).toBe(95);
  expect(keys).toHaveLength(95);
  expect(await left(source)).toBe(0);
});

test("ends without an error when it is told to stop, also when the queue hangs", async () => {
  const source = await open("broken");
  link.fault = { kind: "hang" };
  const hits = link.hitCount;
  const ended = (async () => {
    for await (const batch of source.batches(control.signal)) void batch;
    return "ended";
  })();
  await expect.poll(() => link.hitCount).toBeGreaterThan(hits);
  control.abort();

  expect(await ended).toBe("ended");
});

test("fails with a reason: no such queue, wrong key, no answer", async () => {
  const { region } = server;
  const broken = await open("broken", { limitMs: 2_000 });
  const options = { region, endpoint: link.url, bucket: BUCKET, waitSeconds: 1 };
  const url = new URL(await queueUrl("broken"));
  const missing = new SqsObjectEvents({
    ...options,
    queueUrl: new URL(url.href.replace(/broken$/, "missing")),
    credentials: CREDENTIALS,
  });
  const stranger = new SqsObjectEvents({
    ...options,
    queueUrl: url,
    credentials: { ...CREDENTIALS, secretAccessKey: "not-the-right-one" },
  });
  opened.push(missing, stranger);

  await expect(next(missing)).rejects.toMatchObject({ code: "NOT_FOUND" });
  const denied = await next(stranger).catch((error: unknown) => error);
  expect(denied).toMatchObject({ code: "OBJECT_STORE_DENIED", retryable: false });
  expect(String(denied)).not.toContain("not-the-right-one");
  link.fault = { kind: "hang" };
  await expect(next(broken)).rejects.toMatchObject({
    code: "OBJECT_STORE_UNREACHABLE",
    retryable: true,
  });
});

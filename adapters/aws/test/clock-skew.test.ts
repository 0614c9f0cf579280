/** A machine whose clock is wrong, before a server whose clock is right. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { S3ObjectStore, SqsObjectEvents } from "@cloudphoenix/adapter-aws";
import { type LocalS3, startLocalS3 } from "@cloudphoenix/local-objects";
import { bodyOf, FaultyLink, requestFor } from "@cloudphoenix/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBucket } from "./local-s3-calls.ts";

const SIGNAL = new AbortController().signal;
const CREDENTIALS = { accessKeyId: "contract", secretAccessKey: "only-for-this-test" };
const HOUR_MS = 3_600_000;
let directory: string;
let server: LocalS3;
let link: FaultyLink;
let requests = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "skew-s3-"));
  const queues = { port: 0, names: ["hints"] };
  server = await startLocalS3({ directory, port: 0, credentials: [CREDENTIALS], queues });
  link = await FaultyLink.open(new URL(server.endpoint));
  link.hits = () => {
    requests += 1;
    return false;
  };
  await createBucket(server, CREDENTIALS, "receipts");
});
afterAll(async () => {
  await link.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

function open(offsetMs: number, secret = CREDENTIALS.secretAccessKey): S3ObjectStore {
  requests = 0;
  return new S3ObjectStore({
    bucket: "receipts",
    region: server.region,
    endpoint: link.url,
    credentials: { ...CREDENTIALS, secretAccessKey: secret },
    tags: false,
    now: () => Date.now() + offsetMs,
  });
}

describe.each([
  ["an hour slow", -HOUR_MS],
  ["an hour fast", HOUR_MS],
])("a clock that is %s", (_what, offsetMs) => {
  test("costs one request, and is right from then on", async () => {
    const store = open(offsetMs);
    await store.write(requestFor("k"), bodyOf("1"), SIGNAL);
    expect(requests).toBe(2);
    expect(await store.head("k", SIGNAL)).toMatchObject({ sizeBytes: 1 });
    expect(requests).toBe(3);
    store.close();
  });

  test("is noticed although the answer to HEAD says nothing", async () => {
    await open(0).write(requestFor("k"), bodyOf("1"), SIGNAL);
    const store = open(offsetMs);

    expect(await store.head("k", SIGNAL)).toMatchObject({ sizeBytes: 1 });
    store.close();
  });

  test("gives out URLs that open something", async () => {
    const store = open(offsetMs);
    await store.write(requestFor("k"), bodyOf("1"), SIGNAL);

    const url = await store.readUrl("k", 60_000, SIGNAL);

    expect(await (await fetch(url.reveal())).text()).toBe("1");
    store.close();
  });

  test("does not keep the queue's messages away", async () => {
    const client = new SQSClient({
      endpoint: server.queueEndpoint ?? "",
      region: server.region,
      credentials: CREDENTIALS,
    });
    const { QueueUrl = "" } = await client.send(new CreateQueueCommand({ QueueName: "hints" }));
    client.destroy();
    const events = new SqsObjectEvents({
      queueUrl: new URL(QueueUrl),
      region: server.region,
      endpoint: new URL(server.queueEndpoint ?? ""),
      credentials: CREDENTIALS,
      bucket: "receipts",
      clockOffsetMs: offsetMs,
    });

    expect(await events.backlog(SIGNAL)).toEqual({ messages: 0 });
    events.close();
  });
});

test("a wrong key is not asked with twice where the clock is right", async () => {
  const store = open(0, "wrong");

  await expect(store.write(requestFor("k"), bodyOf("1"), SIGNAL)).rejects.toMatchObject({
    code: "OBJECT_STORE_DENIED",
  });
  expect(requests).toBe(1);
  store.close();
});

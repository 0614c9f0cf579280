import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3ObjectStore } from "@cloudphoenix/adapter-aws";
import { type LocalS3, startLocalS3 } from "@cloudphoenix/local-objects";
import { bodyOf, requestFor } from "@cloudphoenix/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createBucket } from "./local-s3-calls.ts";

const SIGNAL = new AbortController().signal;
const KEYS = {
  accessKeyId: "presigner",
  secretAccessKey: "only-for-this-test",
  sessionToken: "session",
};

let directory: string;
let server: LocalS3;
let store: S3ObjectStore;
let aheadMs = 0;

function serverNow(): number {
  return Date.now() + aheadMs;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "presigned-"));
  server = await startLocalS3({ directory, port: 0, credentials: [KEYS], now: serverNow });
  await createBucket(server, KEYS, "receipts");
  const endpoint = new URL(server.endpoint);
  store = new S3ObjectStore({
    bucket: "receipts",
    region: server.region,
    endpoint,
    credentials: KEYS,
  });
  await store.write(requestFor("a b/ü"), bodyOf("content"), SIGNAL);
  await store.write(requestFor("other"), bodyOf("secret"), SIGNAL);
});
afterAll(async () => {
  store.close();
  await server.stop();
  await rm(directory, { recursive: true });
});
beforeEach(() => {
  aheadMs = 0;
});

async function urlFor(validMs: number): Promise<string> {
  return (await store.readUrl("a b/ü", validMs, SIGNAL)).reveal();
}

test("a URL of temporary credentials opens its object until it ends, rounded up to a second", async () => {
  const url = await urlFor(89_500);
  expect(await (await fetch(url)).text()).toBe("content");
  expect(new URL(url).searchParams.get("X-Amz-Expires")).toBe("90");

  aheadMs = 85_000;
  expect((await fetch(url)).status).toBe(200);
  aheadMs = 91_000;
  const late = await fetch(url);
  expect(late.status).toBe(403);
  expect(await late.text()).toContain("Request has expired");
});

test("it opens no other object, in no other way, and not for longer", async () => {
  const url = await urlFor(90_000);
  const changed = [
    fetch(url.replace("a%20b/%C3%BC", "other")),
    fetch(url, { method: "DELETE" }),
    fetch(url, { method: "PUT", body: "overwritten" }),
    fetch(url.replace("X-Amz-Expires=90", "X-Amz-Expires=9000")),
    fetch(url.replace(/X-Amz-Security-Token=[^&]*&/, "")),
  ];

  for (const answer of await Promise.all(changed)) expect(answer.status).toBe(403);
  expect(await (await fetch(url)).text()).toBe("content");
});

test("it holds neither the secret key nor more than one signature", async () => {
  const url = await urlFor(90_000);

  expect(url).not.toContain(KEYS.secretAccessKey);
  expect(url.match(/X-Amz-Signature=/g)).toHaveLength(1);
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3ObjectStore } from "@cloudphoenix/adapter-aws";
import { type LocalS3, startLocalS3 } from "@cloudphoenix/local-objects";
import { FaultyLink } from "@cloudphoenix/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBucket, turnOnVersioning } from "./local-s3-calls.ts";

const SIGNAL = new AbortController().signal;
const CREDENTIALS = { accessKeyId: "contract", secretAccessKey: "only-for-this-test" };
let directory: string;
let server: LocalS3;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "inspect-s3-"));
  server = await startLocalS3({ directory, port: 0, credentials: [CREDENTIALS] });
  await createBucket(server, CREDENTIALS, "receipts");
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

function open(
  changes: { bucket?: string; secret?: string; endpoint?: URL; tags?: boolean } = {},
): S3ObjectStore {
  return new S3ObjectStore({
    bucket: changes.bucket ?? "receipts",
    region: server.region,
    endpoint: changes.endpoint ?? new URL(server.endpoint),
    tags: changes.tags ?? true,
    credentials: {
      accessKeyId: CREDENTIALS.accessKeyId,
      secretAccessKey: changes.secret ?? CREDENTIALS.secretAccessKey,
    },
  });
}

test("warns that what is deleted is gone, until versioning is on", async () => {
  const store = open();
  expect(await store.inspect(SIGNAL)).toMatchObject([{ severity: "warn" }]);
  expect(store.capabilities.keepsDeleted).toBe(false);
  await turnOnVersioning(server, CREDENTIALS, "receipts");
  expect(await store.inspect(SIGNAL)).toEqual([]);
  expect(store.capabilities.keepsDeleted).toBe(true);
  store.close();
});

test("says that tags cannot be seen, unless they are left out on purpose", async () => {
  const link = await FaultyLink.open(new URL(server.endpoint));
  link.fault = { kind: "status", status: 403 };
  link.hits = ({ url }) => url.includes("tagging");
  const findings = async (tags: boolean): Promise<unknown> => {
    const store = open({ endpoint: link.url, tags });
    const found = await store.inspect(SIGNAL);
    store.close();
    return [found.filter(({ asSource }) => asSource === true), store.capabilities.tagsHidden];
  };

  expect(await findings(true)).toMatchObject([
    [{ severity: "warn", hint: expect.stringContaining("tags=off") as string }],
    true,
  ]);
  expect(await findings(false)).toEqual([[], false]);
  link.fault = { kind: "none" };
  expect(await findings(true)).toEqual([[], false]);
  await link.close();
});

test("a bucket that is not there is no empty bucket", async () => {
  const store = open({ bucket: "missing" });
  const missing = { code: "NOT_FOUND", retryable: false };

  await expect(store.inspect(SIGNAL)).rejects.toMatchObject(missing);
  await expect(store.head("k", SIGNAL)).rejects.toMatchObject(missing);
  await expect(store.delete("k", { kind: "none" }, SIGNAL)).rejects.toMatchObject(missing);
  const pages = store.list({ prefix: "" }, SIGNAL)[Symbol.asyncIterator]();
  await expect(pages.next()).rejects.toMatchObject(missing);
  store.close();
});

test("a wrong key is denied, and neither it nor a signature is shown", async () => {
  const store = open({ secret: "not-the-right-one" });
  const pages = store.list({ prefix: "" }, SIGNAL)[Symbol.asyncIterator]();
  const error = await pages.next().catch((reason: unknown) => reason);

  expect(error).toMatchObject({ code: "OBJECT_STORE_DENIED", retryable: false });
  expect(String(error)).not.toMatch(/not-the-right-one|Credential=|AWS4/);
  store.close();
});

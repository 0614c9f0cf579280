/** `Expires` is a property of S3 alone: it has to come home from a cloud that does not know it. */
import { hash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3ObjectStore } from "@cloudphoenix/adapter-aws";
import { type LocalS3, startLocalS3 } from "@cloudphoenix/local-objects";
import type { ObjectProperties } from "@cloudphoenix/objects";
import { MemoryObjectStore } from "@cloudphoenix/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { headersToWrite } from "../src/s3/s3-properties.ts";
import { createBucket } from "./local-s3-calls.ts";

const NEVER = new AbortController().signal;
const DATE = "Thu, 01 Dec 2033 16:00:00 GMT";
const NONE: ObjectProperties = {
  contentType: "text/plain",
  contentEncoding: null,
  contentDisposition: null,
  contentLanguage: null,
  cacheControl: null,
  metadata: {},
  tags: {},
  stamp: null,
};
let directory: string;
let server: LocalS3;
let store: S3ObjectStore;

beforeEach(async () => {
  const credentials = { accessKeyId: "expires", secretAccessKey: "only-for-this-test" };
  directory = await mkdtemp(join(tmpdir(), "expires-s3-"));
  server = await startLocalS3({ directory, port: 0, credentials: [credentials] });
  await createBucket(server, credentials, "pages");
  const { region } = server;
  const endpoint = new URL(server.endpoint);
  store = new S3ObjectStore({ bucket: "pages", region, endpoint, credentials });
});

afterEach(async () => {
  store.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

async function write(
  to: Pick<S3ObjectStore, "write">,
  key: string,
  properties: ObjectProperties,
): Promise<void> {
  const bytes = Buffer.from("a page");
  const body = { bytes, md5: hash("md5", bytes, "hex") };
  await to.write({ key, properties, condition: { kind: "none" } }, body, NEVER);
}

/** What a browser is told. */
async function toldBy(key: string): Promise<Headers> {
  const { headers } = await fetch((await store.readUrl(key, 60_000, NEVER)).reveal());
  return headers;
}

describe("the Expires of an object", () => {
  test("goes to a store without one and comes home as what it was", async () => {
    await write(store, "page", { ...NONE, metadata: { cloudphoenixexpires: DATE, team: "blue" } });
    expect((await toldBy("page")).get("expires")).toBe(DATE);
    const blob = new MemoryObjectStore({ flavour: "blob" });

    await write(blob, "page", (await store.head("page", NEVER))!.properties);
    const away = (await blob.head("page", NEVER))!.properties;
    await write(store, "page again", away);

    expect(away.metadata).toEqual({ cloudphoenixexpires: DATE, team: "blue" });
    const home = await toldBy("page again");
    expect(home.get("expires")).toBe(DATE);
    expect(home.get("x-amz-meta-team")).toBe("blue");
    expect(home.has("x-amz-meta-cloudphoenixexpires")).toBe(false);
  });

  test("is none where the object has none", async () => {
    await write(store, "page", NONE);
    expect((await store.head("page", NEVER))?.properties.metadata).toEqual({});
    expect((await toldBy("page")).has("expires")).toBe(false);
  });

  test("stays metadata where it could not be a header", () => {
    const metadata = { cloudphoenixexpires: "späta\nr" };
    const headers = headersToWrite("page", { ...NONE, metadata }, false);
    expect(Object.keys(headers)).toEqual(["content-type", "x-amz-meta-cloudphoenixexpires"]);
  });
});

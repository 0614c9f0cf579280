// "Objects: S3 or Blob by configuration through one port." One contract for both, against real servers.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Deadline,
  type ObjectStorage,
  openStorage,
  parseStorageUrl,
  type StorageAddress,
  StorageError,
} from "../src/index.ts";
import { startS3, storageOn, type Store, STORES } from "./storage-world.ts";

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const JSON_TYPE = "application/json";

describe.each(STORES)("%s", (_name, start) => {
  let store: Store;
  let storage: ObjectStorage;
  let keys = 0;
  const newKey = (): string => `contract/${(keys += 1)}.json`;

  beforeAll(async () => {
    store = await start();
    storage = storageOn(store, { maxBytes: 1_000 });
  });

  afterAll(async () => {
    await storage.close();
    await store.close();
  });

  test("what was put is what is got, with its type, its size, its hash and its etag", async () => {
    const key = newKey();
    const put = await storage.put({ key, body: text('{"a":1}'), contentType: JSON_TYPE });

    const got = await storage.get(key);
    expect(new TextDecoder().decode(got?.body)).toBe('{"a":1}');
    const { body: _body, ...facts } = got ?? {};
    expect(facts).toEqual(await storage.head(key));
    expect(facts).toEqual({
      key,
      sizeBytes: 7,
      etag: put.etag,
      contentType: JSON_TYPE,
      sha256: "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862",
    });
    expect(put).toEqual({ outcome: "stored", etag: expect.stringMatching(/^[^"]+$/) });
  });

  test("an empty object is an object", async () => {
    const key = newKey();
    await storage.put({ key, body: text(""), contentType: JSON_TYPE });
    expect(await storage.get(key)).toMatchObject({ sizeBytes: 0 });
  });

  test("nothing is under a key that was never put, or was deleted; deleting nothing is success", async () => {
    const key = newKey();
    expect([await storage.get(key), await storage.head(key)]).toEqual([null, null]);
    await storage.put({ key, body: text("x"), contentType: JSON_TYPE });
    await storage.delete(key);
    await storage.delete(key);
    expect([await storage.get(key), await storage.head(key)]).toEqual([null, null]);
  });

  test("if nothing may be there: the first is stored, its repetition finds itself, another is refused", async () => {
    const key = newKey();
    const put = { key, contentType: JSON_TYPE, condition: "absent" } as const;
    const first = await storage.put({ ...put, body: text("one") });
    const again = await storage.put({ ...put, body: text("one") });
    expect([first.outcome, again.outcome]).toEqual(["stored", "already-there"]);
    expect(again.etag).toBe(first.etag);
    for (const body of ["two", "three"]) {
      await expect(storage.put({ ...put, body: text(body) })).rejects.toMatchObject({
        code: "OBJECT_EXISTS",
        retryable: false,
      });
    }
    expect(new TextDecoder().decode((await storage.get(key))?.body)).toBe("one");
  });

  test("of many that put at once where nothing may be there, one wins and the others are told", async () => {
    const key = newKey();
    const puts = Array.from({ length: 8 }, (_, n) =>
      storage
        .put({ key, body: text(`racer ${n}`), contentType: JSON_TYPE, condition: "absent" })
        .then(
          ({ outcome }) => outcome,
          (error: unknown) => (error instanceof StorageError ? error.code : String(error)),
        ),
    );
    const outcomes = await Promise.all(puts);
    expect(outcomes.filter((outcome) => outcome === "stored")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "OBJECT_EXISTS")).toHaveLength(7);
  });

  test("without a condition the last one stands", async () => {
    const key = newKey();
    await storage.put({ key, body: text("one"), contentType: JSON_TYPE });
    const second = await storage.put({ key, body: text("two"), contentType: "text/plain" });
    expect(await storage.get(key)).toMatchObject({ etag: second.etag, contentType: "text/plain" });
  });

  test("what is too large is neither stored nor read", async () => {
    const key = newKey();
    const body = new Uint8Array(1_001);
    await expect(storage.put({ key, body, contentType: JSON_TYPE })).rejects.toMatchObject({
      code: "OBJECT_TOO_LARGE",
    });
    expect(await storage.head(key)).toBeNull();
    const roomy = storageOn(store, { maxBytes: 2_000 });
    await roomy.put({ key, body, contentType: JSON_TYPE });
    await expect(storage.get(key)).rejects.toMatchObject({ code: "OBJECT_TOO_LARGE" });
    expect((await roomy.get(key))?.sizeBytes).toBe(1_001);
    await roomy.close();
  });

  test.each([
    "",
    "/a",
    "a//b",
    "a/../b",
    "./a",
    "a\u0000b",
    "a\nb",
    "a\\b",
    "\ud800",
    "x".repeat(513),
  ])("%j is not the name of an object", async (key) => {
    const put = { key, body: text("x"), contentType: JSON_TYPE };
    for (const use of [
      storage.put(put),
      storage.get(key),
      storage.head(key),
      storage.delete(key),
    ]) {
      await expect(use).rejects.toMatchObject({ code: "BAD_REQUEST" });
    }
  });

  test("names people give are names here", async () => {
    for (const key of ["a b+c&d=é/ü%20.json", "receipts/1.json", "日本/☃"]) {
      await storage.put({ key, body: text(key), contentType: JSON_TYPE });
      expect(new TextDecoder().decode((await storage.get(key))?.body)).toBe(key);
    }
  });

  test("its health is asked of the bucket, and a missing one is refused, not empty", async () => {
    const signal = new AbortController().signal;
    await storage.check(signal);
    const nowhere = {
      ...store,
      url: (port: number) => store.url(port).replace("receipts", "nowhere"),
    };
    const put = { key: "a", body: text("x"), contentType: JSON_TYPE };
    const uses = [
      (it: ObjectStorage) => it.check(signal),
      (it: ObjectStorage) => it.put(put),
      (it: ObjectStorage) => it.get("a"),
    ];
    for (const use of uses) {
      const elsewhere = storageOn(nowhere);
      await expect(use(elsewhere)).rejects.toMatchObject({ code: "STORAGE_REFUSED" });
      await elsewhere.close();
    }
  });

  test("without a right to it nothing is said of what is there, nor of the key that was tried", async () => {
    const secret = Buffer.from("a key that is not the right one").toString("base64");
    const stranger = storageOn({ ...store, secret }, { callTimeoutMs: 500 });
    const error = await stranger.get(newKey()).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: "STORAGE_REFUSED", status: 503 });
    expect(String(error)).not.toContain(secret);
    await stranger.close();
  });

  test("a rotated key counts without a restart", async () => {
    const environment = { STORE_SECRET: Buffer.from("an old one").toString("base64") };
    const rotating = storageOn(store, { environment });
    await expect(rotating.head("a", { deadline: Deadline.after(300) })).rejects.toMatchObject({
      code: "STORAGE_REFUSED",
    });
    environment.STORE_SECRET = store.secret;
    expect(await rotating.head("never/put")).toBeNull();
    await rotating.close();
  });

  test("no time left is no call", async () => {
    const deadline = Deadline.after(0);
    await expect(storage.get("a", { deadline })).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
      outcome: "none",
    });
  });
});

describe("who the service is to the store", () => {
  const S3 = { kind: "s3", bucket: "receipts", region: null, endpoint: null } as const;
  const BLOB = { kind: "azblob", account: "shop1", container: "receipts", endpoint: null } as const;

  test("a role needs no setting and is no reason to warn", () => {
    expect(warningsOf(S3, { AWS_WEB_IDENTITY_TOKEN_FILE: "/t", AWS_ROLE_ARN: "arn" })).toEqual([]);
    expect(warningsOf(BLOB, { AZURE_FEDERATED_TOKEN_FILE: "/t" })).toEqual([]);
    expect(warningsOf(BLOB, {})).toEqual([]);
  });

  test("a static key works and is warned of, without its value", () => {
    const environment = { KEY: "hunter2", AWS_ACCESS_KEY_ID: "id" };
    for (const warnings of [
      warningsOf(S3, environment, { keyId: "id", key: "env:KEY" }),
      warningsOf(BLOB, environment, { key: "env:KEY" }),
      warningsOf(S3, environment),
    ]) {
      expect(warnings).toEqual([expect.stringMatching(/static/)]);
      expect(warnings.join()).not.toContain("hunter2");
    }
  });

  test("half a key is a mistake that is named", () => {
    expect(() => warningsOf(S3, {}, { keyId: "id" })).toThrow("STORAGE_KEY: must be set");
    expect(() => warningsOf(S3, {}, { key: "env:KEY" })).toThrow("STORAGE_KEY_ID: must be set");
  });

  test("the default chain of AWS finds what the environment holds", async () => {
    const store = await startS3();
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_EC2_METADATA_DISABLED } = process.env;
    process.env["AWS_EC2_METADATA_DISABLED"] = "true";
    const address = parseStorageUrl(store.url(store.port));
    if (typeof address === "string") throw new Error(address);
    const open = (): ObjectStorage =>
      openStorage(address, { environment: process.env, onWarning: () => undefined });
    try {
      delete process.env["AWS_ACCESS_KEY_ID"];
      delete process.env["AWS_SECRET_ACCESS_KEY"];
      // Nobody says who it is: that is no answer of the store.
      await expect(open().head("a")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
      process.env["AWS_ACCESS_KEY_ID"] = store.keyId ?? "";
      process.env["AWS_SECRET_ACCESS_KEY"] = store.secret;
      expect(await open().head("a")).toBeNull();
    } finally {
      restore({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_EC2_METADATA_DISABLED });
      await store.close();
    }
  });
});

function warningsOf(
  address: StorageAddress,
  environment: Record<string, string>,
  key: { readonly keyId?: string; readonly key?: string } = {},
): readonly string[] {
  const warnings: string[] = [];
  openStorage(address, { environment, ...key, onWarning: (said) => void warnings.push(said) });
  return warnings;
}

function restore(environment: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
}

describe("addresses", () => {
  test.each([
    ["s3://receipts", { kind: "s3", bucket: "receipts", region: null, endpoint: null }],
    [
      "s3://a.b-c?region=eu-central-1&endpoint=https://s3.example:9000",
      { kind: "s3", bucket: "a.b-c", region: "eu-central-1", endpoint: "https://s3.example:9000" },
    ],
    [
      "azblob://shop1/receipts?endpoint=http://127.0.0.1:10000",
      {
        kind: "azblob",
        account: "shop1",
        container: "receipts",
        endpoint: "http://127.0.0.1:10000",
      },
    ],
    [
      "azblob://shop1/receipts/",
      { kind: "azblob", account: "shop1", container: "receipts", endpoint: null },
    ],
  ])("%s is understood", (url, address) => {
    expect(parseStorageUrl(url)).toEqual(address);
  });

  test.each([
    ["receipts", "must be an s3:// or azblob:// URL"],
    ["https://receipts.s3.amazonaws.com", "must be an s3:// or azblob:// URL"],
    ["s3://id:secret@receipts", "must not hold a key; use STORAGE_KEY_ID and STORAGE_KEY"],
    ["s3://", "must name a bucket: s3://bucket"],
    ["s3://x", "must name a bucket: s3://bucket"],
    ["s3://receipts/prefix", "must end with the bucket"],
    ["s3://receipts?region=US EAST", "region must be one like us-east-1"],
    ["s3://receipts?sig=hunter2", "has the parameter sig, which is not known"],
    [
      "s3://receipts?endpoint=http://s3.example",
      "endpoint must be https://host:port, or http:// on this machine",
    ],
    [
      "s3://receipts?endpoint=https://s3.example/path",
      "endpoint must be https://host:port, or http:// on this machine",
    ],
    ["azblob://account", "must name an account and a container: azblob://account/container"],
    ["azblob://account/a/b", "must name an account and a container: azblob://account/container"],
  ])("%s is refused: %s", (url, sentence) => {
    expect(parseStorageUrl(url)).toBe(sentence);
  });
});

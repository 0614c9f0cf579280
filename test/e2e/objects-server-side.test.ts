/**
 * Server-side copies between real parts: URLs signed by our client and judged by the S3 server, Azurite behind the
 * front that reads them. Whatever goes wrong on that way, what arrives is whole, or it does not arrive.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { S3ObjectStore } from "@cloudphoenix/adapter-aws/s3";
import { BlobObjectStore } from "@cloudphoenix/adapter-azure/blob";
import {
  type Azurite,
  type CopyFront,
  type Fault,
  type LocalS3,
  startAzurite,
  startCopyFront,
  startLocalS3,
} from "@cloudphoenix/local-objects";
import {
  SecretUrl,
  type ServerSideMode,
  stampOf,
  SyncState,
  type SyncEvent,
  type SyncSummary,
  syncObjects,
  verifyObjects,
} from "@cloudphoenix/objects";
import { bodyOf, requestFor } from "@cloudphoenix/testkit";
import { createBucket } from "../../adapters/aws/test/local-s3-calls.ts";
import { createContainer, credentialOf } from "../../adapters/azure/test/azurite-calls.ts";

const KEYS = {
  accessKeyId: "phoenix",
  secretAccessKey: "a-secret-of-the-test",
  sessionToken: "session-of-the-test",
};
const SIGNAL = new AbortController().signal;
const RETRIES = { attempts: 3, firstWaitMs: 2, longestWaitMs: 20, attemptLimitMs: 20_000 };
const LARGE = Buffer.alloc(9 * 1024 * 1024, "receipt ");
const surroundings = {
  clock: {
    now: Date.now,
    sleep: async (ms: number, signal?: AbortSignal) =>
      pass(ms, undefined, signal === undefined ? {} : { signal }),
  },
  random: { next: Math.random },
};

const scratch = mkdtempSync(join(tmpdir(), "cloudphoenix-server-side-"));
let s3: LocalS3;
let azurite: Azurite;
let front: CopyFront;
let aheadMs = 0;
let places = 0;
let source: S3ObjectStore;
let target: BlobObjectStore;
const events: SyncEvent[] = [];

function s3Now(): number {
  return Date.now() + aheadMs;
}

beforeAll(async () => {
  s3 = await startLocalS3({ directory: scratch, port: 0, credentials: [KEYS], now: s3Now });
  azurite = await startAzurite({ directory: null, blobPort: 0 });
  front = await startCopyFront(azurite);
});

afterAll(async () => {
  await front.stop();
  await Promise.all([s3.stop(), azurite.stop()]);
  rmSync(scratch, { recursive: true });
});

beforeEach(async () => {
  places += 1;
  aheadMs = 0;
  events.length = 0;
  s3.faults.set([]);
  await createBucket(s3, KEYS, `place-${places}`);
  await createContainer(azurite, `place-${places}`);
  const endpoint = new URL(s3.endpoint);
  const bucket = `place-${places}`;
  source = new S3ObjectStore({ bucket, region: s3.region, endpoint, credentials: KEYS });
  target = blobAt(front.blobEndpoint);
});

afterEach(() => {
  source.close();
  target.close();
});

function blobAt(endpoint: string): BlobObjectStore {
  const credential = credentialOf(azurite);
  return new BlobObjectStore({
    endpoint: new URL(endpoint),
    container: `place-${places}`,
    credential,
  });
}

async function sync(mode: ServerSideMode): Promise<SyncSummary> {
  const state = SyncState.open({ path: ":memory:", pair: `place-${places}` });
  const summary = await syncObjects({
    source: { store: source, prefix: "" },
    target: { store: target, prefix: "" },
    surroundings,
    journal: state.journal,
    tombstones: state.tombstones,
    signal: SIGNAL,
    retries: RETRIES,
    serverSide: { mode, minBytes: 0, isReadable: () => true },
    onEvent: (event) => events.push(event),
  });
  state.close();
  // Whatever was told on the way, and whatever went wrong: no URL was in it.
  expect(JSON.stringify([summary, events])).not.toMatch(/X-Amz-|session-of-the-test/);
  return summary;
}

async function verified(): Promise<string> {
  const summary = await verifyObjects({
    source: { store: source, prefix: "" },
    target: { store: target, prefix: "" },
    surroundings,
    signal: SIGNAL,
    readEverything: true,
  });
  return summary.outcome;
}

async function put(key: string, bytes: string | Uint8Array): Promise<void> {
  await source.write(requestFor(key), bodyOf(bytes), SIGNAL);
}

/** Does something after a URL has been signed, before anybody reads it. */
function afterSigning(happens: (url: SecretUrl) => Promise<SecretUrl | undefined>): void {
  const readUrl = source.readUrl.bind(source);
  source.readUrl = async (...given) => {
    const url = await readUrl(...given);
    return (await happens(url)) ?? url;
  };
}

test("everything arrives as if it had been streamed, and the source is read by the target alone", async () => {
  const properties = {
    contentType: "image/png",
    contentEncoding: "gzip",
    contentDisposition: 'attachment; filename="a b.png"',
    contentLanguage: "de-DE",
    cacheControl: "max-age=60",
    metadata: { "order-id": "grüße" },
    tags: { team: "blue" },
    stamp: null,
  };
  await source.write(requestFor("all", { properties }), bodyOf("with all"), SIGNAL);
  for (const key of ["empty", "with space+plus%41", "grüße/日本語/😀"]) await put(key, "");
  await put("large", LARGE);
  const read = front.sourcesRead;

  const summary = await sync("always");

  expect(summary).toMatchObject({
    outcome: "done",
    progress: { copied: 5, sentBytes: LARGE.length + 8 },
    serverSide: { objects: 5, bytes: LARGE.length + 8, refused: 0, because: null, givenUp: false },
  });
  expect(front.sourcesRead - read).toBe(5);
  expect(s3.counters.report()["GetObject"]?.requests).toBe(5);
  const copied = await target.head("all", SIGNAL);
  expect(copied?.md5).toBe(bodyOf("with all").md5);
  const { etag = "" } = (await source.head("all", SIGNAL)) ?? {};
  const stamp = stampOf({ etag, md5: copied?.md5 ?? null }, "all");
  expect(copied?.properties).toEqual({ ...properties, stamp });
  expect(await sync("always")).toMatchObject({ progress: { same: 5, toCopy: 0 } });
  expect(await verified()).toBe("same");
});

/** Each spoils what the target gets, at least once, and not what is streamed afterwards. */
const TROUBLE: readonly (readonly [string, () => void, string])[] = [
  [
    "the URL has ended before it is read",
    () => afterSigning(async () => void (aheadMs = 10 * 60_000)),
    "the source answered with 403",
  ],
  [
    "the URL leads to nobody",
    () => afterSigning(async () => new SecretUrl("http://127.0.0.1:9/k?X-Amz-Signature=1")),
    "500 CannotVerifyCopySource",
  ],
  [
    "the service does not do it",
    () => {
      target.close();
      target = blobAt(azurite.blobEndpoint);
    },
    "501",
  ],
  ["the source's answer is cut", () => spoil({ kind: "truncate", afterBytes: 20 }), "500"],
  ["the source's answer is cut by a reset", () => spoil({ kind: "drop", afterBytes: 20 }), "500"],
  [
    "the source's answer looks whole and is not",
    () => spoil({ kind: "shorten", byBytes: 3 }),
    "other bytes",
  ],
  ["a bit of the source's answer is wrong", () => spoil({ kind: "corrupt" }), "other bytes"],
  ["the source is too busy", () => spoil({ kind: "error", code: "SlowDown" }), "answered with 503"],
];

function spoil(effect: Fault["effect"]): void {
  s3.faults.set([{ effect, operations: ["GetObject"], times: 1 }]);
}

describe.each(TROUBLE)("%s", (_what, arrange, because) => {
  test("the object is streamed, and the summary says why", async () => {
    await put("receipt", "bytes that have to arrive");
    arrange();

    expect(await sync("auto")).toMatchObject({
      outcome: "done",
      serverSide: { objects: 0, refused: 1, because: expect.stringContaining(because) },
    });
    aheadMs = 0;
    expect(await verified()).toBe("same");
  });
});

test.each(TROUBLE.slice(0, 3))(
  "%s: with `always` that is a failure, and nothing is stored",
  async (_what, arrange, because) => {
    await put("receipt", "bytes that have to arrive");
    arrange();

    const summary = await sync("always");

    expect(summary).toMatchObject({ outcome: "failures", failures: [{ code: "OBJECT_REFUSED" }] });
    expect(summary.failures[0]?.message).toContain(because);
    expect(await target.head("receipt", SIGNAL)).toBeNull();
  },
);

test.each(["auto", "always"] as const)(
  "a source that changes between the URL and its reading is copied in its new version (%s)",
  async (mode) => {
    await put("receipt", "first");
    let versions = 0;
    afterSigning(async () => {
      versions += 1;
      if (versions === 1) await put("receipt", "second, and longer");
      return undefined;
    });

    expect(await sync(mode)).toMatchObject({ outcome: "done", progress: { copied: 1 } });
    expect((await target.head("receipt", SIGNAL))?.md5).toBe(bodyOf("second, and longer").md5);
    expect(await verified()).toBe("same");
  },
);

test("a source that is deleted between the URL and its reading is gone, and nothing is stored", async () => {
  await put("receipt", "first");
  afterSigning(async () => {
    await source.delete("receipt", { kind: "none" }, SIGNAL);
    return undefined;
  });

  expect(await sync("auto")).toMatchObject({ outcome: "done", progress: { gone: 1, copied: 0 } });
  expect(await target.head("receipt", SIGNAL)).toBeNull();
});

test("what somebody else writes at the target meanwhile stays", async () => {
  await put("receipt", "first");
  afterSigning(async () => {
    await target.write(requestFor("receipt"), bodyOf("an order of today"), SIGNAL);
    return undefined;
  });

  expect(await sync("always")).toMatchObject({ failures: [{ code: "OBJECT_CHANGED" }] });
  expect((await target.head("receipt", SIGNAL))?.md5).toBe(bodyOf("an order of today").md5);
});

test("a run whose target can never read the source tries a few and streams the rest, saying so once", async () => {
  for (let index = 0; index < 60; index += 1) await put(`receipt-${index}`, `receipt ${index}`);
  target.close();
  target = blobAt(azurite.blobEndpoint);

  const summary = await sync("auto");

  expect(summary).toMatchObject({
    outcome: "done",
    progress: { copied: 60 },
    serverSide: { objects: 0, givenUp: true, because: expect.stringContaining("501") },
  });
  // Those that were under way together are refused together.
  expect(summary.serverSide.refused).toBeLessThan(40);
  expect(events.filter(({ kind }) => kind === "serverSideGivenUp")).toHaveLength(1);
  expect(await verified()).toBe("same");
});

/**
 * A sync between two real servers of which one misbehaves: whatever it does, nothing is wrongly
 * deleted, nothing corrupt is kept, the report says what happened, and once it is well all is copied.
 */
import { hash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { S3ObjectStore } from "@cloudphoenix/adapter-aws/s3";
import { type Fault, type LocalS3, startLocalS3 } from "@cloudphoenix/local-objects";
import {
  DEFAULT_DELETE_RULES,
  type Part,
  type Surroundings,
  SyncState,
  type SyncSummary,
  syncObjects,
  verifyObjects,
} from "@cloudphoenix/objects";
import { NO_PROPERTIES } from "@cloudphoenix/testkit";
import { createBucket } from "../../adapters/aws/test/local-s3-calls.ts";
import type { S3Remote } from "../../packages/local-objects/test/rclone/rclone.ts";
import { differencesByRclone } from "./second-opinion.ts";

const KEYS = { accessKeyId: "phoenix", secretAccessKey: "a-secret-of-the-test" };
const MIB = 1024 * 1024;
const SMALL_OBJECTS = 40;
/** Goes in parts: S3's smallest part is 5 MiB. */
const LARGE_BYTES = 12 * MIB;
const SIZES = { wholeMaxBytes: MIB, partBytes: 5 * MIB, partsInFlight: 2 };
const RETRIES = { attempts: 12, firstWaitMs: 2, longestWaitMs: 20, attemptLimitMs: 2_000 };
const HOUR_MS = 3_600_000;

const scratch = mkdtempSync(join(tmpdir(), "cloudphoenix-faults-"));
const servers: { source?: LocalS3; target?: LocalS3 } = {};
let bucketNumber = 0;
let bucket = "";
let source: S3ObjectStore;
let target: S3ObjectStore;
let state: SyncState;
let hoursPassed = 0;

const surroundings: Surroundings = {
  clock: {
    now: () => Date.now() + hoursPassed * HOUR_MS,
    sleep: async (ms, signal) => pass(ms, undefined, signal === undefined ? {} : { signal }),
  },
  random: { next: Math.random },
};

beforeAll(async () => {
  for (const side of ["source", "target"] as const) {
    const directory = join(scratch, side);
    servers[side] = await startLocalS3({ directory, port: 0, credentials: [KEYS] });
  }
});

afterAll(async () => {
  await Promise.all([servers.source?.stop(), servers.target?.stop()]);
  rmSync(scratch, { recursive: true });
});

/** Everything is at the target, three objects have been gone from the source for an hour, five changed. */
beforeEach(async () => {
  set({});
  bucketNumber += 1;
  bucket = `bucket-${bucketNumber}`;
  source = await storeAt("source");
  target = await storeAt("target");
  state = SyncState.open({ path: ":memory:", pair: bucket });
  for (let index = 0; index < SMALL_OBJECTS; index += 1) await put(index, "first");
  await expectDone({ missing: 0 });
  for (const index of [7, 8, 9]) await source.delete(keyOf(index), { kind: "none" }, limit());
  await expectDone({ missing: 3 });
  hoursPassed += 1;
  for (const index of [1, 2, 3, 4, 5]) await put(index, "second");
  await putLarge();
});

describe("the source misbehaves", () => {
  test.each<[string, Fault]>([
    ["its listing fails half-way", on(["ListObjectsV2"], { kind: "error", code: "SlowDown" }, 2)],
    [
      "its listing is cut off half-way",
      on(["ListObjectsV2"], { kind: "drop", afterBytes: 500 }, 2),
    ],
    [
      "its listing is truncated in good order",
      on(["ListObjectsV2"], { kind: "shorten", byBytes: 700 }, 2),
    ],
    ["its listing is out of order", on(["ListObjectsV2"], { kind: "list-reversed" }, 1)],
  ])("%s: it stops, says so, and deletes nothing", async (_what, fault) => {
    set({ source: fault });

    const summary = await sync();

    expect(summary).toMatchObject({
      outcome: "stopped",
      stoppedBy: { code: "LISTING_BROKEN" },
      deletes: { deleted: 0 },
    });
    expect(await target.head(keyOf(7), limit())).not.toBeNull();
    await expectRecovery();
  });

  test("its listing is empty: the deletes wait for a person", async () => {
    set({ source: on(["ListObjectsV2"], { kind: "list-empty" }) });

    const summary = await sync({ maxPercent: 100 });

    expect(summary).toMatchObject({
      outcome: "refused",
      deletes: { deleted: 0, refused: { code: "DELETES_REFUSED" } },
    });
    await expectRecovery();
  });

  test.each<[string, Fault]>([
    [
      "answers 503 to every third request",
      { effect: { kind: "error", code: "SlowDown" }, share: 0.33 },
    ],
    [
      "truncates bodies",
      { ...on(["GetObject"], { kind: "truncate", afterBytes: 10 }), share: 0.5 },
    ],
    ["drops connections", { ...on(["GetObject"], { kind: "drop", afterBytes: 10 }), share: 0.5 }],
    [
      "lies about the length",
      { ...on(["GetObject"], { kind: "shorten", byBytes: 3 }), share: 0.5 },
    ],
    ["sends wrong bits", { ...on(["GetObject"], { kind: "corrupt" }), share: 0.3 }],
    [
      "sends a wrong bit of an object that it was given in parts",
      { ...on(["GetObject"], { kind: "corrupt" }), keyPrefix: "in-parts", times: 1 },
    ],
    ["resets connections", { effect: { kind: "refuse" }, share: 0.3 }],
  ])("it %s: what arrives is whole or does not arrive", async (_what, fault) => {
    set({ source: fault });

    await sync();

    expect(await corruptAtTarget()).toEqual([]);
    await expectRecovery();
  });
});

describe("the target misbehaves", () => {
  test.each<[string, Fault]>([
    [
      "throttles half of the writes",
      { ...on(WRITES, { kind: "error", code: "SlowDown" }), share: 0.5 },
    ],
    ["drops connections", { effect: { kind: "refuse" }, share: 0.3 }],
    [
      "does what it is told and loses the answers",
      { ...on(WRITES, { kind: "lose-answer" }), share: 0.5 },
    ],
    [
      "hangs now and then",
      { effect: { kind: "hang" }, operations: QUICK_CALLS, share: 0.1, times: 3 },
    ],
  ])(
    "it %s: it is copied in the end, whole, and deleted is only what is due",
    async (_what, fault) => {
      set({ target: fault });

      await sync();

      expect(await corruptAtTarget()).toEqual([]);
      await expectRecovery();
    },
  );
});

/** A part of 5 MiB may take half a minute on a slow line, and so long is it waited for. */
const QUICK_CALLS = [
  "ListObjectsV2",
  "HeadObject",
  "PutObject",
  "CreateMultipartUpload",
  "CompleteMultipartUpload",
  "DeleteObject",
];
const WRITES = ["PutObject", "UploadPart", "CreateMultipartUpload", "CompleteMultipartUpload"];

function on(operations: readonly string[], effect: Fault["effect"], skip = 0): Fault {
  return { effect, operations, skip };
}

function set({ source: atSource, target: atTarget }: { source?: Fault; target?: Fault }): void {
  servers.source?.faults.set(atSource === undefined ? [] : [atSource]);
  servers.target?.faults.set(atTarget === undefined ? [] : [atTarget]);
}

async function sync(rules: { maxPercent?: number } = {}): Promise<SyncSummary> {
  return syncObjects({
    source: { store: source, prefix: "" },
    target: { store: target, prefix: "" },
    surroundings,
    journal: state.journal,
    tombstones: state.tombstones,
    signal: AbortSignal.timeout(60_000),
    deletes: { ...DEFAULT_DELETE_RULES, ...rules },
    limits: { sizes: SIZES, smallInFlight: 4 },
    retries: RETRIES,
  });
}

/** What the tests stand on: a sync between servers that are well. */
async function expectDone(deletes: Partial<SyncSummary["deletes"]>): Promise<void> {
  expect(await sync()).toMatchObject({ outcome: "done", deletes });
}

/** Keys at the target whose bytes are of no version that the source has had. */
async function corruptAtTarget(): Promise<readonly string[]> {
  set({});
  const corrupt: string[] = [];
  for await (const page of target.list({ prefix: "" }, limit())) {
    for (const entry of page) {
      const { md5 } = await target.readWhole(entry, limit());
      if (!versions.has(`${entry.key} ${md5}`)) corrupt.push(entry.key);
    }
  }
  return corrupt;
}

/** The server is well again: two runs later both sides hold the same, byte for byte. */
async function expectRecovery(): Promise<void> {
  set({});
  const first = await sync();
  const second = await sync();
  expect(second, `after ${JSON.stringify(first)}`).toMatchObject({
    outcome: "done",
    deletes: { missing: 0 },
  });
  const { outcome, differences } = await verifyObjects({
    source: { store: source, prefix: "" },
    target: { store: target, prefix: "" },
    surroundings,
    signal: limit(),
    readEverything: true,
  });
  expect(differences).toEqual([]);
  expect(outcome).toBe("same");
  expect(await differencesByRclone(remoteOf("source"), remoteOf("target"), bucket)).toEqual([]);
}

const versions = new Set<string>();

async function put(index: number, version: string): Promise<void> {
  await store(keyOf(index), Buffer.from(`${version} ${index} `.repeat(100)));
}

/** One in one piece, which has an MD5, and one as applications store large objects: in parts of their own. */
async function putLarge(): Promise<void> {
  await store("large", Buffer.alloc(LARGE_BYTES, bucketNumber));
  await storeInParts("in-parts", [6 * MIB, 5 * MIB, MIB]);
}

async function store(key: string, bytes: Buffer): Promise<void> {
  const md5 = hash("md5", bytes, "hex");
  versions.add(`${key} ${md5}`);
  const request = { key, properties: NO_PROPERTIES, condition: { kind: "none" } } as const;
  await source.write(request, { bytes, md5 }, limit());
}

async function storeInParts(key: string, sizes: readonly number[]): Promise<void> {
  const request = { key, properties: NO_PROPERTIES, condition: { kind: "none" } } as const;
  const upload = await source.beginUpload(request, limit());
  const bodies = sizes.map((size, index) => Buffer.alloc(size, bucketNumber * 3 + index));
  const parts: Part[] = [];
  for (const [index, bytes] of bodies.entries()) {
    const body = { bytes, md5: hash("md5", bytes, "hex") };
    parts.push(await source.uploadPart(upload, { number: index + 1, ...body }, limit()));
  }
  const md5 = hash("md5", Buffer.concat(bodies), "hex");
  versions.add(`${key} ${md5}`);
  await source.finishUpload({ ...request, upload, parts, md5 }, limit());
}

function keyOf(index: number): string {
  return `o/${index.toString().padStart(3, "0")}`;
}

function serverAt(side: "source" | "target"): LocalS3 {
  const server = servers[side];
  if (server === undefined) throw new Error(`no ${side}`);
  return server;
}

function remoteOf(side: "source" | "target"): S3Remote {
  const { endpoint, region } = serverAt(side);
  return { endpoint, region, credentials: KEYS };
}

async function storeAt(side: "source" | "target"): Promise<S3ObjectStore> {
  const server = serverAt(side);
  await createBucket(server, KEYS, bucket);
  const { region, endpoint } = server;
  return new S3ObjectStore({
    bucket,
    region,
    endpoint: new URL(endpoint),
    credentials: KEYS,
    pageSize: 10,
  });
}

function limit(): AbortSignal {
  return AbortSignal.timeout(30_000);
}

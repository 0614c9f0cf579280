/**
 * A sync between S3 and Blob, either way, over a link to Azurite that misbehaves: what arrives is whole or does not
 * arrive, nothing is wrongly deleted, and once the link is well all is copied.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { S3ObjectStore } from "@cloudphoenix/adapter-aws/s3";
import { BlobObjectStore } from "@cloudphoenix/adapter-azure";
import {
  type Azurite,
  type LocalS3,
  startAzurite,
  startLocalS3,
} from "@cloudphoenix/local-objects";
import {
  DEFAULT_DELETE_RULES,
  type ObjectStore,
  type Surroundings,
  SyncState,
  type SyncSummary,
  syncObjects,
  verifyObjects,
} from "@cloudphoenix/objects";
import { bodyOf, FaultyLink, type LinkFault, requestFor } from "@cloudphoenix/testkit";
import { createBucket } from "../../adapters/aws/test/local-s3-calls.ts";
import { createContainer, credentialOf } from "../../adapters/azure/test/azurite-calls.ts";

const KEYS = { accessKeyId: "phoenix", secretAccessKey: "a-secret-of-the-test" };
const MIB = 1024 * 1024;
const SMALL_OBJECTS = 30;
const SIZES = { wholeMaxBytes: MIB, partBytes: 5 * MIB, partsInFlight: 2 };
const RETRIES = { attempts: 12, firstWaitMs: 2, longestWaitMs: 20, attemptLimitMs: 2_000 };

const scratch = mkdtempSync(join(tmpdir(), "cloudphoenix-blob-faults-"));
let s3: LocalS3;
let azurite: Azurite;
let link: FaultyLink;
let number = 0;
let hoursPassed = 0;
let requests = 0;

const surroundings: Surroundings = {
  clock: {
    now: () => Date.now() + hoursPassed * 3_600_000,
    sleep: async (ms, signal) => pass(ms, undefined, signal === undefined ? {} : { signal }),
  },
  random: { next: Math.random },
};

beforeAll(async () => {
  s3 = await startLocalS3({ directory: join(scratch, "s3"), port: 0, credentials: [KEYS] });
  azurite = await startAzurite({ directory: null, blobPort: 0 });
  link = await FaultyLink.open(new URL(azurite.blobEndpoint));
});

afterAll(async () => {
  await link.close();
  await Promise.all([s3.stop(), azurite.stop()]);
  rmSync(scratch, { recursive: true });
});

beforeEach(async () => {
  heal();
  number += 1;
  await createBucket(s3, KEYS, `bucket-${number}`);
  await createContainer(azurite, `bucket-${number}`);
});

function heal(): void {
  link.fault = { kind: "none" };
  link.hits = () => true;
}

/** Every so many requests of this kind go wrong. */
function harm(fault: LinkFault, method: string, every: number): void {
  requests = 0;
  link.fault = fault;
  link.hits = (request) => {
    if (request.method !== method) return false;
    requests += 1;
    return requests % every === 0;
  };
}

function stores(): { s3: ObjectStore; blob: ObjectStore } {
  const bucket = `bucket-${number}`;
  const { region, endpoint } = s3;
  const s3Options = { bucket, region, endpoint: new URL(endpoint), credentials: KEYS };
  const blobOptions = { container: bucket, endpoint: link.url, credential: credentialOf(azurite) };
  return {
    s3: new S3ObjectStore({ ...s3Options, pageSize: 10 }),
    blob: new BlobObjectStore({ ...blobOptions, pageSize: 10, silenceMs: 1_000 }),
  };
}

describe.each([
  ["S3", "Blob"],
  ["Blob", "S3"],
])("from %s to %s", (from) => {
  test.each<[string, LinkFault, string, number]>([
    ["throttles every third write", { kind: "status", status: 503 }, "PUT", 3],
    ["throttles every third read", { kind: "status", status: 503 }, "GET", 3],
    ["drops connections", { kind: "drop" }, "PUT", 4],
    ["cuts bodies off", { kind: "cut" }, "GET", 3],
    ["turns bits over", { kind: "flip" }, "GET", 3],
    ["shortens answers in good order", { kind: "shorten" }, "GET", 3],
  ])("the link %s: nothing is corrupt or lost", async (_what, fault, method, every) => {
    const both = stores();
    const [source, target] = from === "S3" ? [both.s3, both.blob] : [both.blob, both.s3];
    const state = SyncState.open({ path: ":memory:", pair: String(number) });
    const sync = (): Promise<SyncSummary> =>
      syncObjects({
        source: { store: source, prefix: "" },
        target: { store: target, prefix: "" },
        surroundings,
        journal: state.journal,
        tombstones: state.tombstones,
        signal: AbortSignal.timeout(60_000),
        deletes: { ...DEFAULT_DELETE_RULES, maxPercent: 20 },
        limits: { sizes: SIZES, smallInFlight: 4 },
        retries: RETRIES,
      });
    for (let index = 0; index < SMALL_OBJECTS; index += 1) {
      await source.write(requestFor(`o/${index}`), bodyOf(`first ${index}`), limit());
    }
    expect(await sync()).toMatchObject({ outcome: "done" });
    await source.delete("o/7", { kind: "none" }, limit());
    expect(await sync()).toMatchObject({ outcome: "done", deletes: { missing: 1 } });
    hoursPassed += 1;
    await source.write(requestFor("o/1"), bodyOf("second"), limit());
    await source.write(requestFor("large"), bodyOf("x".repeat(6 * MIB)), limit());

    harm(fault, method, every);
    await sync();
    heal();
    await sync();
    const last = await sync();

    expect(last).toMatchObject({ outcome: "done", deletes: { missing: 0 } });
    const verified = await verifyObjects({
      source: { store: source, prefix: "" },
      target: { store: target, prefix: "" },
      surroundings,
      signal: limit(),
      readEverything: true,
    });
    expect(verified).toMatchObject({
      outcome: "same",
      progress: { looked: SMALL_OBJECTS, compared: SMALL_OBJECTS },
    });
    expect(link.hitCount).toBeGreaterThan(0);
    state.close();
  });
});

function limit(): AbortSignal {
  return AbortSignal.timeout(30_000);
}

/**
 * A sync that is killed again and again while its source changes, between real servers.
 *
 * `OBJECTS_KILLS` sets how often (default 4; the campaign in docs/reference/benchmarks.md ran more),
 * `OBJECTS_SEED` repeats a run.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { hash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { S3ObjectStore } from "@cloudphoenix/adapter-aws/s3";
import { BlobObjectStore } from "@cloudphoenix/adapter-azure";
import {
  type Azurite,
  type LocalS3,
  startAzurite,
  startLocalS3,
} from "@cloudphoenix/local-objects";
import { DEFAULT_SIZES, type ObjectProperties } from "@cloudphoenix/objects";
import { createBucket } from "../../adapters/aws/test/local-s3-calls.ts";
import { createContainer, credentialOf } from "../../adapters/azure/test/azurite-calls.ts";
import { type PartsOfUpload, PartLedger } from "./part-ledger.ts";
import { RecordedLink } from "./recorded-link.ts";
import { differencesByRclone } from "./second-opinion.ts";
import { seededRandom } from "./seeded-random.ts";

const KILLS = Number(process.env["OBJECTS_KILLS"] ?? 4);
const SEED = Number(process.env["OBJECTS_SEED"] ?? 7);
const SMALL_OBJECTS = 120;
const LARGE_BYTES = 42 * 1024 * 1024;
const KEYS = { accessKeyId: "phoenix", secretAccessKey: "a-secret-of-the-test" };
const PLAIN: ObjectProperties = {
  contentType: "application/octet-stream",
  contentEncoding: null,
  contentDisposition: null,
  contentLanguage: null,
  cacheControl: null,
  metadata: {},
  tags: {},
  stamp: null,
};
const CLI = join(import.meta.dirname, "../../apps/cli/bin/cloudphoenix.js");

const scratch = mkdtempSync(join(tmpdir(), "cloudphoenix-kill-"));
const random = seededRandom(SEED);
let s3: LocalS3;
let azurite: Azurite;
let way: Way;

/** One direction, while it is tried. */
interface Way {
  readonly name: string;
  readonly source: S3ObjectStore | BlobObjectStore;
  readonly from: string;
  readonly to: string;
  /** Before the target. */
  readonly link: RecordedLink;
  /** What the state of a killed process is kept in. */
  readonly stateDir: string;
}

beforeAll(async () => {
  s3 = await startLocalS3({ directory: join(scratch, "s3"), port: 0, credentials: [KEYS] });
  azurite = await startAzurite({ directory: join(scratch, "azurite"), blobPort: 0 });
  writeFileSync(
    join(scratch, "s3.keys"),
    `aws_access_key_id = ${KEYS.accessKeyId}\naws_secret_access_key = ${KEYS.secretAccessKey}\n`,
  );
  writeFileSync(join(scratch, "blob.key"), azurite.accountKey);
});

afterAll(async () => {
  await Promise.all([s3.stop(), azurite.stop()]);
  rmSync(scratch, { recursive: true });
});

async function openWay(fromS3: boolean): Promise<Way> {
  const name = fromS3 ? "orders-out" : "orders-back";
  await createBucket(s3, KEYS, name);
  await createContainer(azurite, name);
  const { region } = s3;
  const endpoint = new URL(s3.endpoint);
  const credential = credentialOf(azurite);
  const source = fromS3
    ? new S3ObjectStore({ bucket: name, region, endpoint, credentials: KEYS })
    : new BlobObjectStore({
        endpoint: new URL(azurite.blobEndpoint),
        container: name,
        credential,
      });
  const link = await RecordedLink.open(new URL(fromS3 ? azurite.blobEndpoint : s3.endpoint));
  const s3Address = (at: string): string =>
    `s3://${name}?region=${region}&endpoint=${at}&credentials-file=${scratch}/s3.keys`;
  const blobAddress = (at: string): string =>
    `azblob://${azurite.accountName}/${name}?endpoint=${at}&credentials-file=${scratch}/blob.key`;
  const [from, to] = fromS3
    ? [s3Address(s3.endpoint), blobAddress(link.endpoint)]
    : [blobAddress(azurite.blobEndpoint), s3Address(link.endpoint)];
  return { name, source, from, to, link, stateDir: mkdtempSync(join(scratch, "state-")) };
}

describe.each([
  ["S3 to Blob", true],
  ["Blob to S3", false],
])("%s", (_way, fromS3) => {
  beforeAll(async () => {
    way = await openWay(fromS3);
  });
  afterAll(async () => {
    way.source.close();
    await way.link.close();
  });

  test(
    `killed ${KILLS} times while the source changes, it converges and sends no stored part twice`,
    async () => {
      for (let index = 0; index < SMALL_OBJECTS; index += 1) await putSmall(index);
      await putLarge("large-at-rest");
      await putLarge("large-that-changes");
      const partsKnown = new PartLedger();

      for (let kill = 0; kill < KILLS; kill += 1) {
        await runAndKill(partsKnown.receipts, kill === 0 ? FIRST_KILL : randomKill());
        partsKnown.read(storedParts());
        if (random() < 0.3) await putLarge("large-that-changes");
      }

      expect(way.link.sentAgain).toEqual([]);
      expect(partsKnown.begunAnew).toEqual([]);
      way.link.begins(partsKnown.receipts);
      const last = await runToTheEnd([]);
      expect(last).toMatchObject({ code: 0 });
      expect(await runToTheEnd(["--verify", "--read-everything"])).toMatchObject({ code: 0 });
      expect(way.link.sentAgain).toEqual([]);
      const primary = { endpoint: s3.endpoint, region: s3.region, credentials: KEYS };
      expect(await differencesByRclone(primary, azurite, way.name)).toEqual([]);
      // The campaign has met what it is about.
      expect(partsKnown.receipts.size).toBeGreaterThan(0);
    },
    120_000 + KILLS * 30_000,
  );
});

async function putSmall(index: number): Promise<void> {
  const bytes = Buffer.alloc(200 + Math.floor(random() * 30_000), Math.floor(random() * 256));
  await put(`small/${index}`, bytes);
}

async function putLarge(key: string): Promise<void> {
  const bytes = Buffer.alloc(LARGE_BYTES, Math.floor(random() * 256));
  bytes.writeDoubleLE(random(), 100);
  await put(key, bytes);
}

async function put(key: string, bytes: Buffer): Promise<void> {
  const request = { key, properties: PLAIN, condition: { kind: "none" } } as const;
  await way.source.write(
    request,
    { bytes, md5: hash("md5", bytes, "hex") },
    AbortSignal.timeout(30_000),
  );
}

/** When a sync is killed: at this request, or when it sends this part of an object, whichever comes first. */
interface Kill {
  readonly atRequest: number;
  readonly atPart: number;
}

/**
 * Four parts of an object are under way at once: whoever sends the fifth has written down that one is stored. So the
 * campaign meets what it is about, whatever chance says afterwards.
 */
const FIRST_KILL: Kill = { atRequest: Infinity, atPart: DEFAULT_SIZES.partsInFlight + 1 };

/** At any instant; every third time while a large object is on its way, if one is. */
function randomKill(): Kill {
  const atRequest = Math.floor(random() * 120);
  const part = 1 + Math.floor((random() * LARGE_BYTES) / DEFAULT_SIZES.partBytes);
  return random() < 1 / 3 ? { atRequest: Infinity, atPart: part } : { atRequest, atPart: Infinity };
}

/** Kills the sync, whose source changes meanwhile; or lets it end, if it does so before. */
async function runAndKill(known: ReadonlySet<string>, { atRequest, atPart }: Kill): Promise<void> {
  way.link.begins(known);
  const child = startSync(["--bandwidth", "60MiB"]);
  const changes: Promise<void>[] = [];
  way.link.onRequest = (count, parts) => {
    if (count % 10 === 0) changes.push(putSmall(Math.floor(random() * SMALL_OBJECTS)));
    if (count >= atRequest || parts >= atPart) child.kill("SIGKILL");
  };
  await once(child, "exit");
  await way.link.gone();
  way.link.onRequest = () => undefined;
  await Promise.all(changes);
}

async function runToTheEnd(args: readonly string[]): Promise<{ code: unknown; said: string }> {
  const child = startSync(args);
  let said = "";
  child.stderr?.on("data", (data: Buffer) => (said += data.toString()));
  child.stdout?.on("data", (data: Buffer) => (said += data.toString()));
  const [code] = (await once(child, "close")) as [number];
  return { code, said };
}

function startSync(args: readonly string[]): ChildProcess {
  const { stateDir, from, to } = way;
  return spawn(process.execPath, [CLI, "sync", ...args, "--state-dir", stateDir, from, to], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** What the killed process knew to be stored, from the file it left behind. */
function storedParts(): readonly PartsOfUpload[] {
  const file = readdirSync(way.stateDir).find((name) => name.endsWith(".sqlite"));
  if (file === undefined) return [];
  const database = new DatabaseSync(join(way.stateDir, file));
  try {
    const uploads = database.prepare("SELECT key, record FROM upload").all();
    return uploads.map((row) => {
      const { key, sourceEtag, upload } = JSON.parse(String(row["record"])) as {
        key: string;
        sourceEtag: string;
        upload: { token: string };
      };
      const parts = database
        .prepare("SELECT number, receipt FROM upload_part WHERE key = ?")
        .all(key);
      const { token } = upload;
      const receipts = parts.map(({ number, receipt }) =>
        way.to.startsWith("s3:") ? `${token} ${String(number)}` : String(receipt),
      );
      return { key, sourceEtag, token, receipts };
    });
  } finally {
    database.close();
  }
}

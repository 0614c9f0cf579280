/** `cloudphoenix sync` as a process between real servers: what it says before, what it leaves behind, its JSON. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { S3ObjectStore } from "@cloudphoenix/adapter-aws/s3";
import { type LocalS3, startLocalS3 } from "@cloudphoenix/local-objects";
import { bodyOf, FaultyLink, requestFor } from "@cloudphoenix/testkit";
import { createBucket, turnOnVersioning } from "../../adapters/aws/test/local-s3-calls.ts";

// Every answer is that of a process of its own, or of several.
vi.setConfig({ testTimeout: 120_000 });

const SIGNAL = AbortSignal.timeout(600_000);
const KEYS = { accessKeyId: "phoenix", secretAccessKey: "a-secret-of-the-test" };
const CLI = join(import.meta.dirname, "../../apps/cli/bin/cloudphoenix.js");
const scratch = mkdtempSync(join(tmpdir(), "cloudphoenix-sync-"));
let s3: LocalS3;
let link: FaultyLink;

beforeAll(async () => {
  s3 = await startLocalS3({ directory: join(scratch, "s3"), port: 0, credentials: [KEYS] });
  link = await FaultyLink.open(new URL(s3.endpoint));
  writeFileSync(
    join(scratch, "s3.keys"),
    `aws_access_key_id = ${KEYS.accessKeyId}\naws_secret_access_key = ${KEYS.secretAccessKey}\n`,
  );
  for (const bucket of ["origin", "copy"]) await createBucket(s3, KEYS, bucket);
  const source = storeOf("origin");
  for (const key of ["a", "b", "sub/c"]) await source.write(requestFor(key), bodyOf(key), SIGNAL);
  source.close();
});

afterAll(async () => {
  await link.close();
  await s3.stop();
  rmSync(scratch, { recursive: true });
});

function storeOf(bucket: string): S3ObjectStore {
  const endpoint = new URL(s3.endpoint);
  return new S3ObjectStore({ bucket, region: s3.region, endpoint, credentials: KEYS });
}

interface Run {
  readonly code: number;
  readonly out: string;
  readonly said: string;
}

function sync(dir: string, ...options: readonly string[]): Promise<Run> {
  const parameters = `region=${s3.region}&endpoint=${link.url.href}&credentials-file=${join(scratch, "s3.keys")}`;
  const places = ["origin", "copy"].map((bucket) => `s3://${bucket}?${parameters}`);
  const args = [CLI, "--dir", join(scratch, dir), "sync", ...options, ...places];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, out, said) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, said });
    });
  });
}

describe("sync", () => {
  test("changes nothing anywhere with --dry-run, not even on disk", async () => {
    const run = await sync("dry", "--dry-run");

    expect(run).toMatchObject({ code: 0, out: expect.stringMatching(/^Would copy 3 objects/) });
    expect(existsSync(join(scratch, "dry"))).toBe(false);
    const target = storeOf("copy");
    expect(await target.head("a", SIGNAL)).toBeNull();
    target.close();
  });

  test("warns before it begins that what it overwrites or deletes is gone, until versioning is on", async () => {
    const before = await sync("warned", "--dry-run");
    await turnOnVersioning(s3, KEYS, "copy");
    const after = await sync("warned", "--dry-run");

    expect(before.said).toContain(
      "! versioning is off: what is deleted or overwritten in s3://copy",
    );
    expect(after.said).not.toContain("versioning");
    expect(before.said).not.toContain("s3://origin");
  });

  test("warns of rights that hide tags at the source, and counts what was copied so", async () => {
    link.fault = { kind: "status", status: 403 };
    link.hits = ({ url }) => url.startsWith("/origin/") && url.includes("tagging");

    const run = await sync("tags");
    link.fault = { kind: "none" };

    expect(run.said).toContain("add tags=off to the address");
    expect(run.out).toMatch(/^3 objects copied/);
    expect(run.out).toContain("3 objects were copied without tags they may have");
  });

  test.each(["--concurrency=4", "--verify"])(
    "says that its patterns meet nothing (%s)",
    async (mode) => {
      const run = await sync("nothing", "--include", "recipts/**", mode);

      expect(run.code).toBe(0);
      expect(run.said).toContain("! No name on either side takes part");
      expect((await sync("something", "--include", "a", mode)).said).not.toContain("takes part");
    },
  );

  test("answers with one JSON value whose fields are a contract", async () => {
    const { code, out } = await sync("json", "--json");

    expect(code).toBe(0);
    expect(shapeOf(JSON.parse(out))).toEqual({
      outcome: "string",
      dryRun: "boolean",
      progress: {
        sourceObjects: "number",
        targetObjects: "number",
        listingComplete: "boolean",
        same: "number",
        toCopy: "number",
        toCopyBytes: "number",
        unsure: "number",
        unsureBytes: "number",
        foreign: "number",
        perhapsForeign: "number",
        copied: "number",
        copiedBytes: "number",
        sentBytes: "number",
        alreadyThere: "number",
        gone: "number",
        failed: "number",
        tagsLost: "number",
        tagsUnseen: "number",
        partsKept: "number",
        retries: "number",
        elapsedMs: "number",
        bytesPerSecond: "number",
        objectsPerSecond: "number",
        remainingMs: "number",
      },
      serverSide: {
        objects: "number",
        bytes: "number",
        refused: "number",
        because: "null",
        givenUp: "boolean",
      },
      failures: [],
      deletes: {
        missing: "number",
        due: "number",
        deleted: "number",
        foreign: "number",
        reprieved: "number",
        failed: "number",
        refused: "null",
      },
      stoppedBy: "null",
    });
    expect(JSON.parse(out)).toMatchObject({
      outcome: "done",
      progress: { alreadyThere: 3, copied: 0 },
    });
  });

  test("names every failure in JSON, by code, and ends with 1", async () => {
    const source = storeOf("origin");
    await source.write(requestFor("late"), bodyOf("late"), SIGNAL);
    source.close();
    link.fault = { kind: "status", status: 403 };
    link.hits = ({ method, url }) => method === "PUT" && url.startsWith("/copy/late");

    const { code, out } = await sync("failed", "--json");
    link.fault = { kind: "none" };

    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      outcome: "failures",
      failures: [
        {
          name: "late",
          code: "OBJECT_STORE_DENIED",
          message: expect.any(String) as string,
          hint: expect.any(String) as string,
        },
      ],
    });
  });

  test("compares with --verify, and ends with 1 if something differs", async () => {
    const target = storeOf("copy");
    await target.write(requestFor("a"), bodyOf("z"), SIGNAL);
    target.close();

    const { code, out } = await sync("verify", "--verify", "--json");

    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      outcome: "different",
      progress: { looked: 4, compared: 3, differences: 2 },
      differences: expect.arrayContaining([
        expect.objectContaining({ name: "a", what: "content" }),
        expect.objectContaining({ name: "late", what: "onlyAtSource" }),
      ]) as unknown,
      stoppedBy: null,
    });
  });
});

/** The names of all fields with the kinds of their values. */
function shapeOf(value: unknown): unknown {
  if (value === null) return "null";
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object") return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, shapeOf(held)]));
}

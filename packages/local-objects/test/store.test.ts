import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ObjectDatabase } from "../src/store/object-database.ts";
import type { Extent, ObjectVersion } from "../src/store/records.ts";
import { scratchDirectory } from "./scratch.ts";

const bucket = "receipts";

async function opened(directory: string, durable = false): Promise<ObjectDatabase> {
  const database = await ObjectDatabase.open({ directory, durable });
  onTestFinished(async () => database.close().catch(() => undefined));
  return database;
}

function versionOf(key: string, extents: readonly Extent[], more: object = {}): ObjectVersion {
  return {
    key,
    versionId: "null",
    isDeleteMarker: false,
    sequence: 1,
    modifiedMs: 0,
    sizeBytes: extents.reduce((sum, extent) => sum + extent.sizeBytes, 0),
    etag: "etag",
    headers: {},
    metadata: {},
    tags: {},
    checksum: null,
    parts: null,
    extents,
    ...more,
  };
}

async function store(database: ObjectDatabase, key: string, body: string): Promise<void> {
  const extents = await database.files.writeWhole(Buffer.from(body));
  await database.commit({ type: "version", bucket, version: versionOf(key, extents) });
}

function bodyOf(database: ObjectDatabase, key: string): string | null {
  const version = database.buckets.get(bucket)?.keys.get(key)?.versions[0];
  if (version === undefined) return null;
  const range = { first: 0, last: version.sizeBytes - 1 };
  return database.files.readWhole(version.extents, range).toString();
}

async function filesIn(directory: string): Promise<number> {
  const names = await readdir(join(directory, "objects"), { recursive: true });
  return names.filter((name) => /\/\d+$/u.test(name)).length;
}

describe("a directory opened again", () => {
  test("has everything, durable or not", async () => {
    for (const durable of [false, true]) {
      const directory = await scratchDirectory();
      const first = await opened(directory, durable);
      await first.commit({ type: "bucket", bucket, createdMs: 0 });
      await Promise.all(["a", "b", "c"].map(async (key) => store(first, key, `body of ${key}`)));
      await store(first, "a", "other");
      await first.close();
      const again = await opened(directory);
      expect(["a", "b", "c"].map((key) => bodyOf(again, key))).toEqual([
        "other",
        "body of b",
        "body of c",
      ]);
      expect(await filesIn(directory)).toBe(3);
    }
  });

  test("drops a change cut off in its last line, and files that nothing names", async () => {
    const directory = await scratchDirectory();
    const first = await opened(directory);
    await first.commit({ type: "bucket", bucket, createdMs: 0 });
    await store(first, "a", "kept");
    await first.files.writeWhole(Buffer.from("never committed"));
    await first.close();
    const journal = join(directory, "journal.jsonl");
    const whole = await readFile(journal, "utf8");
    await appendFile(journal, whole.trimEnd().split("\n").at(-1)!.slice(0, 40));
    const again = await opened(directory);
    expect(bodyOf(again, "a")).toBe("kept");
    expect(await filesIn(directory)).toBe(1);
    await store(again, "b", "after");
    await again.close();
    expect(bodyOf(await opened(directory), "b")).toBe("after");
  });

  test("is refused if its journal is damaged in the middle or of another format", async () => {
    const directory = await scratchDirectory();
    const first = await opened(directory);
    await first.commit({ type: "bucket", bucket, createdMs: 0 });
    await store(first, "a", "kept");
    await first.close();
    const journal = join(directory, "journal.jsonl");
    const [head, ...lines] = (await readFile(journal, "utf8")).trimEnd().split("\n");
    await writeFile(journal, [head, "{", ...lines, ""].join("\n"));
    await expect(opened(directory)).rejects.toMatchObject({
      code: "STATE_UNAVAILABLE",
      message: expect.stringContaining("line 2"),
    });
    await writeFile(journal, ['{"format":99}', ...lines, ""].join("\n"));
    await expect(opened(directory)).rejects.toMatchObject({ code: "STATE_VERSION" });
  });

  test("forgets history when most of the journal is history, and nothing else", async () => {
    const directory = await scratchDirectory();
    const first = await opened(directory);
    await first.commit({ type: "bucket", bucket, createdMs: 0 });
    await first.commit({ type: "versioning", bucket, status: "Enabled" });
    await store(first, "kept", "kept");
    const start = { uploadId: "u", key: "k", startedMs: 0, checksum: null };
    const none = { headers: {}, metadata: {}, tags: {} };
    await first.commit({ type: "upload", bucket, upload: { ...start, ...none } });
    const [extent] = await first.files.writeWhole(Buffer.from("part"));
    const part = { number: 1, sizeBytes: 4, etag: "e", checksum: null, modifiedMs: 0 };
    await first.commit({
      type: "part",
      bucket,
      uploadId: "u",
      part: { ...part, extents: [extent!] },
    });
    for (const versionId of ["v1", "v2"]) {
      const version = versionOf("kept", [], { versionId });
      await first.commit({ type: "version", bucket, version });
    }
    for (let count = 0; count < 10_001; count += 1) {
      await first.commit({ type: "tags", bucket, key: "kept", versionId: "v2", tags: { t: "1" } });
    }
    await first.close();
    const again = await opened(directory);
    const lines = (await readFile(join(directory, "journal.jsonl"), "utf8")).trimEnd().split("\n");
    expect(lines.length).toBeLessThan(20);
    const kept = again.buckets.get(bucket);
    expect(kept?.versioning).toBe("Enabled");
    expect(kept?.keys.get("kept")?.versions.map((v) => v.versionId)).toEqual(["v2", "v1", "null"]);
    expect(kept?.keys.get("kept")?.versions[0]?.tags).toEqual({ t: "1" });
    expect(kept?.uploads.get("u")?.parts.get(1)?.etag).toBe("e");
    await again.commit({ type: "upload-gone", bucket, uploadId: "u" });
    await again.close();
    expect((await opened(directory)).buckets.get(bucket)?.uploads.size).toBe(0);
  });
});

test("an object deleted while it is read is read to its end, then its file goes", async () => {
  const directory = await scratchDirectory();
  const database = await opened(directory);
  await database.commit({ type: "bucket", bucket, createdMs: 0 });
  const body = "x".repeat(600_000);
  await store(database, "a", body);
  const extents = database.buckets.get(bucket)?.keys.get("a")?.versions[0]?.extents ?? [];
  const lease = database.files.lease(extents, { first: 0, last: body.length - 1 });
  await database.commit({ type: "version-gone", bucket, key: "a", versionId: "null" });
  let bytes = 0;
  for await (const block of lease.blocks) bytes += block.length;
  expect(bytes).toBe(body.length);
  expect(await filesIn(directory)).toBe(1);
  lease.close();
  expect(await filesIn(directory)).toBe(0);
});

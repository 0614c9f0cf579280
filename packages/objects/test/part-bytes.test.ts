import { describe, expect, test } from "vitest";
import { ByteBudget, copyObject } from "@cloudphoenix/objects";
import { MemoryObjectStore } from "@cloudphoenix/testkit";
import { partBytesFor } from "../src/part-bytes.ts";
import { toolsFor, UNENDING } from "./setup.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const TIB = 1024 ** 4;
/** What the adapters say of the clouds. */
const S3 = {
  partMinBytes: 5 * MIB,
  partMaxBytes: 5 * GIB,
  partsMax: 10_000,
  objectMaxBytes: 10_000 * 5 * GIB,
};
const BLOB = {
  partMinBytes: 1,
  partMaxBytes: 4_000 * MIB,
  partsMax: 50_000,
  objectMaxBytes: 50_000 * 4_000 * MIB,
};
const PLENTY = 64 * GIB;

function partsOf(sizeBytes: number, limits: typeof S3, memoryBytes = PLENTY): number {
  return partBytesFor({ key: "k", sizeBytes }, { wishedBytes: 8 * MIB, memoryBytes }, limits);
}

describe("parts", () => {
  test.each([
    ["S3, small", S3, 9 * MIB, 8 * MIB],
    ["S3, the last size that 8 MiB do for", S3, 80_000 * MIB, 8 * MIB],
    ["S3, a byte more", S3, 80_000 * MIB + 1, 9 * MIB],
    ["S3, 5 TB", S3, 5e12, 477 * MIB],
    ["S3, 5 TiB", S3, 5 * TIB, 525 * MIB],
    ["S3, the most it takes", S3, 10_000 * 5 * GIB, 5 * GIB],
    ["Blob, 5 TB", BLOB, 5e12, 96 * MIB],
    ["Blob, the most it takes", BLOB, 50_000 * 4_000 * MIB, 4_000 * MIB],
  ])("are as large as the target needs them: %s", (_what, limits, sizeBytes, expected) => {
    const partBytes = partsOf(sizeBytes, limits);

    expect(partBytes).toBe(expected);
    expect(Math.ceil(sizeBytes / partBytes)).toBeLessThanOrEqual(limits.partsMax);
    expect(partBytes).toBeGreaterThanOrEqual(limits.partMinBytes);
    expect(partBytes).toBeLessThanOrEqual(limits.partMaxBytes);
  });

  test("of an object that the target does not take are refused, with the limit", () => {
    expect(() => partsOf(10_000 * 5 * GIB + 1, S3)).toThrow(
      expect.objectContaining({
        code: "OBJECT_REFUSED",
        message: expect.stringContaining(`the target takes at most ${10_000 * 5 * GIB}`),
      }) as Error,
    );
  });

  test("that memory does not hold are refused, and the hint names how much would do", () => {
    expect(partsOf(640_000 * MIB, S3, 64 * MIB)).toBe(64 * MIB);
    expect(() => partsOf(640_000 * MIB + 1, S3, 64 * MIB)).toThrow(
      expect.objectContaining({
        code: "OBJECT_REFUSED",
        message: expect.stringContaining("needs parts of 65 MiB, and 64 MiB are all"),
        hint: expect.stringContaining("`cloudphoenix sync --memory 65MiB`"),
      }) as Error,
    );
    expect(partsOf(640_000 * MIB + 1, S3, 65 * MIB)).toBe(65 * MIB);
  });
});

test("an upload that was begun with larger parts than memory holds is begun anew", async () => {
  const source = new MemoryObjectStore();
  const target = new MemoryObjectStore();
  source.put("k", Buffer.alloc(9_000, 1));
  const stop = new AbortController();
  const sizes = { wholeMaxBytes: 1_000, partBytes: 4_000, partsInFlight: 1 };
  const before = toolsFor(source, target, { sizes, memory: new ByteBudget(4_000) });
  const request = { sourceKey: "k", targetKey: "k" };
  const onBytes = (): void => stop.abort();
  await copyObject(request, { ...before, onBytes }, stop.signal).catch(() => null);
  expect((await before.journal.find("k"))?.parts.length).toBeGreaterThan(0);

  const { journal } = before;
  const tight = toolsFor(source, target, { journal, memory: new ByteBudget(2_000) });
  const outcome = await copyObject(request, tight, UNENDING);

  expect(outcome).toMatchObject({ kind: "copied", partsKept: 0 });
  expect(target.bytesOf("k")).toEqual(source.bytesOf("k"));
  expect(target.openUploads).toBe(0);
});

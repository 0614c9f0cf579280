import { hash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type VerifyOptions, type VerifySummary, verifyObjects } from "@cloudphoenix/objects";
import { FaultyObjectStore, MemoryObjectStore, type StoreCall } from "@cloudphoenix/testkit";
import { hurriedSurroundings, placeOf, UNENDING } from "./setup.ts";

const MIB = 1024 * 1024;

function twins(count = 0): { source: MemoryObjectStore; target: MemoryObjectStore } {
  const source = new MemoryObjectStore({ flavour: "s3", pageSize: 7 });
  const target = new MemoryObjectStore({ flavour: "blob", pageSize: 9 });
  for (let index = 0; index < count; index += 1) {
    for (const store of [source, target]) store.put(`o/${index}`, `content ${index}`);
  }
  return { source, target };
}

function verified(
  stores: {
    readonly source: VerifyOptions["source"]["store"];
    readonly target: VerifyOptions["target"]["store"];
  },
  changes: Partial<VerifyOptions> = {},
): Promise<VerifySummary> {
  return verifyObjects({
    source: placeOf(stores.source),
    target: placeOf(stores.target),
    surroundings: hurriedSurroundings(),
    signal: UNENDING,
    ...changes,
  });
}

describe("verifying", () => {
  test("reads no faster than it may", async () => {
    const stores = twins(30);
    const surroundings = hurriedSurroundings();
    const startMs = surroundings.nowMs;

    const limits = { readEverything: true, bytesPerSecond: 100 };
    const summary = await verified(stores, { ...limits, surroundings });

    const { readBytes } = summary.progress;
    expect(summary.outcome).toBe("same");
    expect(readBytes).toBeGreaterThan(500);
    expect(surroundings.nowMs - startMs).toBeGreaterThan(readBytes * 10 - 1_000);
  });

  test("finds two places the same, without reading what the stores have hashed", async () => {
    expect(await verified(twins(30))).toEqual({
      outcome: "same",
      progress: { looked: 30, compared: 30, sizeOnly: 0, readBytes: 0, differences: 0 },
      differences: [],
      stoppedBy: null,
    });
  });

  test("names what is missing on either side, has another size, or other bytes", async () => {
    const stores = twins(10);
    stores.target.remove("o/1");
    stores.source.remove("o/2");
    stores.target.put("o/3", "longer than before");
    stores.target.put("o/4", "CONTENT 4");

    const summary = await verified(stores);

    expect(summary).toMatchObject({
      outcome: "different",
      progress: { looked: 10, differences: 4 },
    });
    const found = summary.differences.map(({ name, what }) => `${name} ${what}`).toSorted();
    expect(found).toEqual(["o/1 onlyAtSource", "o/2 onlyAtTarget", "o/3 size", "o/4 content"]);
  });

  test("reads a large object at Blob, whose hash nobody has checked, and finds the rotten byte", async () => {
    const { source, target } = twins();
    const bytes = Buffer.alloc(9 * MIB, 1);
    source.put("large", bytes);
    const { properties, md5 } = source.put("rotten", bytes);
    target.put("large", bytes);
    const spoilt = Buffer.from(bytes);
    spoilt[spoilt.length - 1] = 2;
    const upload = await target.beginUpload(
      { key: "rotten", properties, condition: { kind: "absent" } },
      UNENDING,
    );
    const part = { number: 1, bytes: spoilt, md5: hash("md5", spoilt, "hex") };
    const parts = [await target.uploadPart(upload, part, UNENDING)];
    const finish = {
      key: "rotten",
      properties,
      condition: { kind: "none" },
      upload,
      parts,
    } as const;
    await target.finishUpload({ ...finish, md5: md5! }, UNENDING);

    const summary = await verified({ source, target });

    expect(summary.differences).toMatchObject([{ name: "rotten", what: "content" }]);
    expect(summary.progress.readBytes).toBe(2 * 9 * MIB);
  });

  test("believes no stored hash when everything is to be read", async () => {
    const summary = await verified(twins(5), { readEverything: true });

    expect(summary).toMatchObject({ outcome: "same", progress: { readBytes: 2 * 5 * 9 } });
  });

  test("compares the content of a sample, and names and sizes of everything", async () => {
    const stores = twins(1_000);
    stores.target.remove("o/1");
    stores.target.put("o/2", "another size");

    const summary = await verified(stores, { sample: 0.1 });

    expect(summary.progress).toMatchObject({ looked: 1_000, differences: 2 });
    // Three standard deviations of a tenth of 998.
    expect(summary.progress.compared).toBeGreaterThan(70);
    expect(summary.progress.compared).toBeLessThan(130);
    expect(summary.progress.sizeOnly).toBe(998 - summary.progress.compared);
  });

  test("finds in a sample of half about half of what is rotten", async () => {
    const stores = twins(200);
    for (let index = 0; index < 200; index += 1)
      stores.target.put(`o/${index}`, `CONTENT ${index}`);

    const { progress } = await verified(stores, { sample: 0.5 });

    expect(progress.differences).toBe(progress.compared);
    expect(progress.compared).toBeGreaterThan(70);
    expect(progress.compared).toBeLessThan(130);
  });

  test("looks at nothing that is left out", async () => {
    const stores = twins(3);
    stores.target.remove("o/1");

    const summary = await verified(stores, { includes: (name) => name !== "o/1" });

    expect(summary).toMatchObject({ outcome: "same", progress: { looked: 2 } });
  });

  test.each<[string, StoreCall, string]>([
    ["that cannot be read is not called different", "read", "unreadable"],
  ])("an object %s", async (_what, broken, what) => {
    const { source, target } = twins(2);
    const faulty = new FaultyObjectStore(target, (call, key) =>
      call === broken && key === "o/1" ? "fail" : "none",
    );

    const summary = await verified({ source, target: faulty }, { readEverything: true });

    expect(summary.differences).toMatchObject([{ name: "o/1", what }]);
  });

  test("an object that never rests is called changing, not different", async () => {
    const { source, target } = twins(1);
    let changes = 0;
    const moving = new FaultyObjectStore(source, (call) => {
      if (call === "read") source.put("o/0", `content ${(changes += 1) % 10}`);
      return "none";
    });

    const summary = await verified({ source: moving, target }, { readEverything: true });

    expect(summary.differences).toMatchObject([{ name: "o/0", what: "changing" }]);
  });

  test("says that it could not go on when a listing breaks, and that it was stopped", async () => {
    const { source, target } = twins(20);
    const broken = new FaultyObjectStore(target, (call) => (call === "page" ? "fail" : "none"));

    expect(await verified({ source, target: broken })).toMatchObject({
      outcome: "stopped",
      stoppedBy: { code: "LISTING_BROKEN" },
    });
    expect(await verified({ source, target }, { signal: AbortSignal.abort() })).toMatchObject({
      outcome: "interrupted",
      stoppedBy: null,
    });
  });
});

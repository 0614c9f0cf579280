import { describe, expect, test } from "vitest";
import { copyObject } from "@cloudphoenix/objects";
import { FaultyObjectStore, MemoryObjectStore } from "@cloudphoenix/testkit";
import { ResumableMd5 } from "../src/resumable-md5.ts";
import { bytesOf, REQUEST } from "./copy-fixture.ts";
import { memoryState, toolsFor, UNENDING } from "./setup.ts";

describe("what the source got in parts, so that it tells no MD5", () => {
  const bodies = [1_300, 1_300, 1_300, 100].map((length, seed) => bytesOf(length, seed));
  const uneven = [900, 1_500, 1_300, 300].map((length, seed) => bytesOf(length, seed));
  const seemingEqual = [1_000, 1_500, 500, 1_000].map((length, seed) => bytesOf(length, seed));

  test.each([
    ["small, in one part", [bytesOf(700)]],
    ["small, in parts", [bytesOf(400), bytesOf(400, 1), bytesOf(30, 2)]],
    ["small, in uneven parts", [bytesOf(300), bytesOf(600, 1), bytesOf(50, 2)]],
    ["large, in parts cut otherwise than on its way", bodies],
    ["large, in parts cut as on its way", [0, 1, 2].map((seed) => bytesOf(1_000, seed))],
    ["large, in uneven parts", uneven],
    ["large, in parts that seem to be equal", seemingEqual],
  ])("arrives whole although a bit is wrong on its way: %s", async (_what, parts) => {
    for (const wrongRead of [0, 1, 2]) {
      const store = new MemoryObjectStore();
      const target = new MemoryObjectStore({ flavour: "blob" });
      await store.putInParts("k", parts);
      let reads = 0;
      const source = new FaultyObjectStore(store, (call) => {
        if (call !== "read" && call !== "readWhole") return "none";
        reads += 1;
        return reads === wrongRead ? "flip" : "none";
      });

      const outcome = await copyObject(REQUEST, toolsFor(source, target), UNENDING);

      expect(outcome.kind).toBe("copied");
      expect(target.bytesOf("copy/k")).toEqual(Buffer.concat(parts));
      expect(target.openUploads).toBe(0);
    }
  });

  test.each([
    ["small", [bytesOf(400), bytesOf(400, 1)]],
    ["large", bodies],
  ])("is not kept, %s, if a bit is wrong whenever it is read", async (_size, parts) => {
    const store = new MemoryObjectStore();
    const target = new MemoryObjectStore();
    await store.putInParts("k", parts);
    const source = new FaultyObjectStore(store, (call) =>
      call === "read" || call === "readWhole" ? "flip" : "none",
    );

    const attempt = copyObject(REQUEST, toolsFor(source, target), UNENDING);

    await expect(attempt).rejects.toMatchObject({ code: "OBJECT_CORRUPT" });
    expect(target.size).toBe(0);
    expect(target.openUploads).toBe(0);
  });

  test.each([
    ["in the middle of one of its parts", false],
    ["or all of it if that one kept no hash of parts", true],
  ])("is hashed on from where an earlier process stopped, %s", async (_what, isOld) => {
    const parts = [0, 1, 2, 3].map((seed) => bytesOf(2_600, seed));
    const source = new MemoryObjectStore();
    const store = new MemoryObjectStore();
    await source.putInParts("k", parts);
    const { journal } = memoryState();
    let sent = 0;
    const crash = new AbortController();
    const crashing = new FaultyObjectStore(store, (call) => {
      if (call === "uploadPart") sent += 1;
      if (sent === 6) crash.abort();
      return "none";
    });
    const first = toolsFor(source, crashing, { journal });
    await copyObject(REQUEST, first, crash.signal).catch(() => null);
    const known = (await journal.find("copy/k"))!;
    const hashed = known.hashed!;
    const settled = known.parts.filter(({ number }) => number <= hashed.parts).length;
    const ofWholeOnly = hashed.state.slice(0, (await ResumableMd5.create()).save().byteLength);
    if (isOld) await journal.hashed("copy/k", { ...hashed, state: ofWholeOnly });
    let reads = 0;
    const counting = new FaultyObjectStore(source, (call) => {
      if (call === "read") reads += 1;
      return "none";
    });

    const outcome = await copyObject(REQUEST, toolsFor(counting, store, { journal }), UNENDING);

    expect(outcome.kind).toBe("copied");
    expect(settled).toBeGreaterThan(0);
    expect(reads).toBe(isOld ? 11 : 11 - settled);
    expect(store.bytesOf("copy/k")).toEqual(Buffer.concat(parts));
  });
});

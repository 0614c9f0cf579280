import { describe, expect, test } from "vitest";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { nameFilter, type SyncEvent, syncObjects } from "@cloudphoenix/objects";
import { FaultyObjectStore, MemoryObjectStore } from "@cloudphoenix/testkit";
import { memoryState, placeOf, UNENDING } from "./setup.ts";
import { ALL_MAY_GO, content, fill, LIMITS, setup } from "./sync-world.ts";

describe("a sync", () => {
  test("copies what is missing or changed, leaves the rest, and finds nothing to do the second time", async () => {
    const { source, target, run } = setup();
    fill(source, 20);
    source.put("large", Buffer.alloc(5_500, 7));
    target.put("o/0003", Buffer.alloc(50, 3));
    target.put("o/0004", "old");

    const first = await run();
    const second = await run();

    expect(first).toMatchObject({
      outcome: "done",
      progress: {
        sourceObjects: 21,
        same: 1,
        toCopy: 20,
        copied: 20,
        failed: 0,
        listingComplete: true,
      },
    });
    expect(first.progress.copiedBytes).toBe(19 * 50 + 5_500);
    expect(first.progress.sentBytes).toBe(first.progress.copiedBytes);
    expect(content(target)).toEqual(content(source));
    expect(second).toMatchObject({ outcome: "done", progress: { same: 21, toCopy: 0 } });
  });

  test("finds nothing to do on the way back", async () => {
    const { source, target, run, surroundings } = setup();
    fill(source, 10);
    source.put("large", Buffer.alloc(5_500, 7));
    await run();
    const back = memoryState();

    const summary = await syncObjects({
      source: placeOf(target),
      target: placeOf(source),
      surroundings,
      journal: back.journal,
      tombstones: back.tombstones,
      signal: UNENDING,
      limits: LIMITS,
    });

    expect(summary).toMatchObject({ outcome: "done", progress: { same: 11, toCopy: 0 } });
  });

  test("needs no second look at what S3 cannot list but head can", async () => {
    const source = new MemoryObjectStore({ flavour: "s3" });
    const target = new MemoryObjectStore({ flavour: "s3" });
    source.put("large", Buffer.alloc(5_500, 7));
    const { run } = setup();
    await run({}, { source, target });

    const again = await run({}, { source, target });

    expect(again.progress).toMatchObject({ toCopy: 1, copied: 0, alreadyThere: 1, sentBytes: 0 });
  });

  test("maps one prefix to another and leaves out what the patterns say", async () => {
    const { source, target, run } = setup();
    source.put("in/a.txt", "a");
    source.put("in/deep/b.txt", "b");
    source.put("in/deep/c.tmp", "c");
    source.put("out-of-it", "x");
    const includes = nameFilter({ exclude: ["*.tmp"] })!;

    await run({ source: placeOf(source, "in/"), target: placeOf(target, "copy/of/"), includes });

    expect(target.keys()).toEqual(["copy/of/a.txt", "copy/of/deep/b.txt"]);
  });

  test("changes nothing anywhere in a dry run, and says what it would do", async () => {
    const { source, target, run, state } = setup();
    fill(source, 3);
    target.put("z-extra", "x");
    const events: SyncEvent[] = [];

    const summary = await run({
      dryRun: true,
      deletes: ALL_MAY_GO,
      onEvent: (event) => events.push(event),
    });

    expect(summary).toMatchObject({
      outcome: "done",
      dryRun: true,
      progress: { toCopy: 3, copied: 0 },
    });
    expect(events.map(({ kind }) => kind)).toEqual([
      "wouldCopy",
      "wouldCopy",
      "wouldCopy",
      "missing",
    ]);
    expect(target.keys()).toEqual(["z-extra"]);
    expect(await state.tombstones.lastRound()).toBeNull();
  });

  test("names the objects that the target refuses, copies the others, and says so in its outcome", async () => {
    const { source, run } = setup();
    source.put("fine", "1");
    source.put("dot/./x", "2");
    const target = new MemoryObjectStore({
      flavour: "blob",
      refuses: (key) => key.includes("/./"),
    });

    const summary = await run({}, { target });

    expect(summary).toMatchObject({
      outcome: "failures",
      progress: { copied: 1, failed: 1 },
      failures: [{ name: "dot/./x", code: "OBJECT_NAME_REFUSED" }],
    });
  });

  test("says that tags were left behind where the target has none", async () => {
    const { source, run } = setup();
    source.put("a", "1", { tags: { team: "blue" } });
    const target = new MemoryObjectStore({ flavour: "blob", capabilities: { tags: false } });

    expect((await run({}, { target })).progress).toMatchObject({ copied: 1, tagsLost: 1 });
  });

  test("ends with a summary when it is told to stop, and goes on the next time", async () => {
    const { source, target, run } = setup();
    fill(source, 60);
    const stop = new AbortController();
    const summary = await run({
      signal: stop.signal,
      limits: { ...LIMITS, smallInFlight: 2 },
      onEvent: (_event, progress) => {
        if (progress().copied === 10) stop.abort();
      },
    });

    expect(summary.outcome).toBe("interrupted");
    expect(target.size).toBeLessThan(20);
    expect((await run()).outcome).toBe("done");
    expect(content(target)).toEqual(content(source));
  });

  test("stops when the target takes nothing any more, instead of trying a million objects", async () => {
    const { source, target, run } = setup(100);
    fill(source, 500);
    const dead = new FaultyObjectStore(target, (call) => (call === "write" ? "fail" : "none"));

    const summary = await run({}, { target: dead });

    expect(summary).toMatchObject({
      outcome: "stopped",
      stoppedBy: { code: "OBJECT_STORE_UNREACHABLE" },
    });
    expect(summary.progress.failed).toBeLessThan(100);
  });

  test("goes on past objects that it may not read, however many they are in a row", async () => {
    const { source, target, run } = setup(100);
    fill(source, 100);
    const denied = new FaultyObjectStore(source, (call, key) => {
      if (call === "readWhole" && key >= "o/0010" && key < "o/0055") throw deniedAt(key);
      return "none";
    });

    const summary = await run({}, { source: denied });

    expect(summary).toMatchObject({
      outcome: "failures",
      stoppedBy: null,
      progress: { copied: 55, failed: 45 },
    });
    expect(target.size).toBe(55);
  });

  test.each([
    ["not even list", "list"],
    ["read none of them", "none of them"],
  ])("stops when it may %s, instead of trying a million objects", async (_what, also) => {
    const { source, target, run } = setup(100);
    fill(source, 1_500);
    let isDenied = false;
    const denied = new FaultyObjectStore(source, (call, key) => {
      isDenied ||= call === "readWhole";
      if (call === "readWhole" || (call === also && isDenied)) throw deniedAt(key);
      return "none";
    });

    const summary = await run({}, { source: denied });

    expect(summary).toMatchObject({
      outcome: "stopped",
      stoppedBy: { code: "OBJECT_STORE_DENIED" },
    });
    expect(summary.progress.failed).toBeLessThan(also === "list" ? 100 : 1_100);
    expect(target.size).toBe(0);
  });

  test("leaves an unfinished upload alone that its filter leaves out", async () => {
    const { source, target, run } = setup();
    source.put("huge", Buffer.alloc(5_500, 7));
    source.put("config/a", "1");
    const stop = new AbortController();
    let sent = 0;
    const crashing = new FaultyObjectStore(target, (call) => {
      if (call === "uploadPart" && (sent += 1) === 4) stop.abort();
      return "none";
    });
    await run({ signal: stop.signal }, { target: crashing });

    const includes = nameFilter({ include: ["config/**"] })!;
    expect(await run({ includes })).toMatchObject({ outcome: "done" });
    expect(target.openUploads).toBe(1);
    const last = await run();

    expect(last.outcome).toBe("done");
    expect(last.progress.partsKept).toBeGreaterThan(0);
    expect(target.openUploads).toBe(0);
  });

  test("ends the uploads that no object belongs to any more", async () => {
    const { source, target, run, state } = setup();
    source.put("large", Buffer.alloc(5_500, 7));
    const stop = new AbortController();
    let sent = 0;
    const crashing = new FaultyObjectStore(target, (call) => {
      if (call === "uploadPart" && (sent += 1) === 3) stop.abort();
      return "none";
    });
    await run({ signal: stop.signal }, { target: crashing });
    expect(target.openUploads).toBe(1);
    source.remove("large");

    await run();

    expect(target.openUploads).toBe(0);
    expect(await state.journal.all()).toEqual([]);
  });

  test("copies a folder without the mark that a console left for it", async () => {
    const { source, target, run } = setup();
    source.put("in/", "");
    source.put("in/a", "1");

    const summary = await run({ source: placeOf(source, "in/") });

    expect(summary).toMatchObject({ outcome: "done", progress: { sourceObjects: 1, copied: 1 } });
    expect(target.keys()).toEqual(["a"]);
  });

  test("keeps to its bandwidth with a large object, too", async () => {
    const { source, target, run, surroundings } = setup();
    source.put("large", Buffer.alloc(9_500, 7));
    const startMs = surroundings.nowMs;

    await run({ limits: { ...LIMITS, bytesPerSecond: 1_000 } });

    expect(target.bytesOf("large")).toHaveLength(9_500);
    // The last part may be read as soon as all before it are paid for.
    expect(surroundings.nowMs - startMs).toBeGreaterThanOrEqual(8_500);
  });

  test("keeps to its bandwidth", async () => {
    const { source, run, surroundings } = setup();
    fill(source, 20, 500);
    const startMs = surroundings.nowMs;

    await run({ limits: { ...LIMITS, bytesPerSecond: 1_000 } });

    expect(surroundings.nowMs - startMs).toBeGreaterThanOrEqual(9_000);
  });
});

function deniedAt(key: string): CloudPhoenixError {
  return new CloudPhoenixError("OBJECT_STORE_DENIED", `${key}: 403`, { retryable: false });
}

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DEFAULT_DELETE_RULES,
  DEFAULT_LIMITS,
  nameFilter,
  type ObjectStore,
  type SyncEvent,
  type SyncOptions,
  type SyncState,
  type SyncSummary,
  syncObjects,
  verifyObjects,
} from "@cloudphoenix/objects";
import { FaultyObjectStore, MemoryObjectStore, type StoreCall } from "@cloudphoenix/testkit";
import { hurriedSurroundings, memoryState, placeOf, TINY_SIZES, UNENDING } from "./setup.ts";

const MINUTE_MS = 60_000;
const LIMITS = { ...DEFAULT_LIMITS, sizes: TINY_SIZES, memoryBytes: 8_000 };
const ALL_MAY_GO = { ...DEFAULT_DELETE_RULES, maxPercent: 100 };

interface Setup {
  readonly source: MemoryObjectStore;
  readonly target: MemoryObjectStore;
  readonly state: SyncState;
  readonly surroundings: ReturnType<typeof hurriedSurroundings>;
  readonly run: (
    changes?: Partial<SyncOptions>,
    stores?: { source?: ObjectStore; target?: ObjectStore },
  ) => Promise<SyncSummary>;
}

function setup(pageSize = 3, seed = 1): Setup {
  const source = new MemoryObjectStore({ flavour: "s3", pageSize });
  const target = new MemoryObjectStore({ flavour: "blob", pageSize: pageSize + 1 });
  const state = memoryState();
  const surroundings = hurriedSurroundings(seed);
  return {
    source,
    target,
    state,
    surroundings,
    run: (changes = {}, stores = {}) =>
      syncObjects({
        source: placeOf(stores.source ?? source),
        target: placeOf(stores.target ?? target),
        surroundings,
        journal: state.journal,
        tombstones: state.tombstones,
        signal: UNENDING,
        limits: LIMITS,
        ...changes,
      }),
  };
}

function fill(store: MemoryObjectStore, count: number, sizeBytes = 50): void {
  for (let index = 0; index < count; index += 1) {
    store.put(`o/${index.toString().padStart(4, "0")}`, Buffer.alloc(sizeBytes, index));
  }
}

function content(store: MemoryObjectStore): Record<string, string> {
  return Object.fromEntries(store.keys().map((key) => [key, store.bytesOf(key)!.toString("hex")]));
}

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

  test("keeps to its bandwidth", async () => {
    const { source, run, surroundings } = setup();
    fill(source, 20, 500);
    const startMs = surroundings.nowMs;

    await run({ limits: { ...LIMITS, bytesPerSecond: 1_000 } });

    expect(surroundings.nowMs - startMs).toBeGreaterThanOrEqual(9_000);
  });
});

async function synced(count = 40): Promise<Setup> {
  const all = setup();
  fill(all.source, count);
  await all.run({ deletes: DEFAULT_DELETE_RULES });
  return all;
}

describe("deletes", () => {
  test("wait until two complete listings, far enough apart, have missed the object", async () => {
    const { source, target, run, surroundings } = await synced();
    source.remove("o/0001");

    const first = await run({ deletes: DEFAULT_DELETE_RULES });
    surroundings.nowMs += 14 * MINUTE_MS;
    const tooSoon = await run({ deletes: DEFAULT_DELETE_RULES });
    expect(target.bytesOf("o/0001")).not.toBeNull();
    surroundings.nowMs += 2 * MINUTE_MS;
    const due = await run({ deletes: DEFAULT_DELETE_RULES });

    expect(first.deletes).toMatchObject({ missing: 1, due: 0, deleted: 0 });
    expect(tooSoon.deletes).toMatchObject({ missing: 1, due: 0, deleted: 0 });
    expect(due.deletes).toMatchObject({ missing: 1, due: 1, deleted: 1 });
    expect(target.bytesOf("o/0001")).toBeNull();
    expect(content(target)).toEqual(content(source));
  });

  test("never happen unless asked for", async () => {
    const { source, target, run, surroundings } = await synced();
    source.remove("o/0001");
    for (const _ of [1, 2, 3]) {
      surroundings.nowMs += 60 * MINUTE_MS;
      expect((await run()).deletes).toMatchObject({ missing: 1, deleted: 0 });
    }
    expect(target.size).toBe(40);
  });

  test("begin to wait anew when the object came back in between or was written at the target", async () => {
    const { source, target, run, surroundings } = await synced();
    source.remove("o/0001");
    source.remove("o/0002");
    await run({ deletes: DEFAULT_DELETE_RULES });
    source.put("o/0001", Buffer.alloc(50, 1));
    await run({ deletes: DEFAULT_DELETE_RULES });
    source.remove("o/0001");
    const { properties } = (await target.head("o/0002", UNENDING))!;
    target.put("o/0002", "written after a failover", properties);
    surroundings.nowMs += 20 * MINUTE_MS;

    const summary = await run({ deletes: DEFAULT_DELETE_RULES });

    expect(summary.deletes).toMatchObject({ missing: 2, due: 0, deleted: 0 });
  });

  test("spare what is back at the source by the time its turn comes", async () => {
    const { source, target, run, surroundings } = await synced();
    source.remove("o/0001");
    await run({ deletes: DEFAULT_DELETE_RULES });
    surroundings.nowMs += 20 * MINUTE_MS;
    const late = new FaultyObjectStore(source, (call, key) => {
      if (call === "head" && key === "o/0001") source.put(key, Buffer.alloc(50, 1));
      return "none";
    });

    const summary = await run({ deletes: DEFAULT_DELETE_RULES }, { source: late });

    expect(summary.deletes).toMatchObject({ due: 1, deleted: 0, reprieved: 1 });
    expect(target.size).toBe(40);
  });

  test("spare what no copy of ours put there", async () => {
    const { target, run, surroundings } = await synced();
    target.put("o/theirs", "x");
    await run({ deletes: DEFAULT_DELETE_RULES });
    surroundings.nowMs += 20 * MINUTE_MS;

    const kept = await run({ deletes: DEFAULT_DELETE_RULES });
    const asked = await run({ deletes: { ...DEFAULT_DELETE_RULES, onlyStamped: false } });

    expect(kept.deletes).toMatchObject({ due: 1, deleted: 0, foreign: 1 });
    expect(asked.deletes).toMatchObject({ deleted: 1, foreign: 0 });
  });

  test.each([
    ["the share", { maxPercent: 10, maxCount: 1_000 }],
    ["the count", { maxPercent: 100, maxCount: 4 }],
  ])("are refused altogether over %s, and the hint names the way", async (_what, limit) => {
    const { source, target, run, surroundings } = await synced();
    for (const index of [1, 2, 3, 4, 5]) source.remove(`o/000${index}`);
    const deletes = { ...DEFAULT_DELETE_RULES, ...limit };
    await run({ deletes });
    surroundings.nowMs += 20 * MINUTE_MS;

    const summary = await run({ deletes });

    expect(summary.outcome).toBe("refused");
    expect(summary.deletes.refused).toMatchObject({
      code: "DELETES_REFUSED",
      message: expect.stringContaining("of 40 objects"),
      hint: expect.stringContaining("--max-delete"),
    });
    expect(target.size).toBe(40);
    expect((await run({ deletes: ALL_MAY_GO })).deletes.deleted).toBe(5);
  });

  test("never follow from a source that is empty where it was not", async () => {
    const { source, target, run, surroundings } = await synced(3);
    for (const key of source.keys()) source.remove(key);
    for (const _ of [1, 2]) {
      surroundings.nowMs += 20 * MINUTE_MS;
      expect(await run({ deletes: ALL_MAY_GO })).toMatchObject({
        outcome: "refused",
        deletes: { deleted: 0, refused: { hint: expect.stringContaining("--allow-empty-source") } },
      });
    }
    expect(target.size).toBe(3);

    await run({ deletes: { ...ALL_MAY_GO, allowEmptySource: true } });
    surroundings.nowMs += 20 * MINUTE_MS;
    await run({ deletes: { ...ALL_MAY_GO, allowEmptySource: true } });
    expect(target.size).toBe(0);
  });

  test("never follow from a listing that failed, however often", async () => {
    const { source, target, run, surroundings } = await synced();
    let pages = 0;
    const broken = new FaultyObjectStore(source, (call) => {
      if (call === "page") pages += 1;
      return call === "page" && pages > 2 ? "fail" : "none";
    });
    for (const _ of [1, 2, 3]) {
      surroundings.nowMs += 60 * MINUTE_MS;
      const summary = await run({ deletes: ALL_MAY_GO }, { source: broken });
      expect(summary).toMatchObject({
        outcome: "stopped",
        stoppedBy: { code: "LISTING_BROKEN" },
        deletes: { deleted: 0 },
      });
    }
    expect(target.size).toBe(40);
    // What the broken rounds noted has left no trace: a good listing has nothing to delete either.
    surroundings.nowMs += 60 * MINUTE_MS;
    expect((await run({ deletes: ALL_MAY_GO })).deletes).toMatchObject({ missing: 0, deleted: 0 });
  });

  test("wait for the copies: a rename whose copy failed keeps the old name", async () => {
    const { source, target, run, surroundings } = await synced();
    source.remove("o/0001");
    await run({ deletes: ALL_MAY_GO });
    surroundings.nowMs += 20 * MINUTE_MS;
    source.put("o/0001-renamed", "1");
    const refusing = new FaultyObjectStore(target, (call, key) =>
      call === "write" && key === "o/0001-renamed" ? "fail" : "none",
    );

    const summary = await run({ deletes: ALL_MAY_GO }, { target: refusing });

    expect(summary).toMatchObject({ outcome: "failures", deletes: { deleted: 0 } });
    expect(target.bytesOf("o/0001")).not.toBeNull();
  });
});

describe("whatever fails", () => {
  const CALLS: readonly StoreCall[] = [
    "list",
    "page",
    "head",
    "read",
    "readWhole",
    "write",
    "beginUpload",
    "uploadPart",
    "uploadedParts",
    "finishUpload",
    "abortUpload",
    "delete",
  ];

  test("no object is wrongly deleted, none is corrupt, and it converges once things calm down", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.double({ min: 0.01, max: 0.4, noNaN: true }),
        async (seed, rate) => {
          const { source, target, run, surroundings } = setup(3, seed);
          const random = hurriedSurroundings(seed + 1).random;
          const everStored = new Map<string, Set<string>>();
          const put = (key: string): void => {
            const bytes = Buffer.alloc(
              Math.floor(random.next() * 3_000),
              Math.floor(random.next() * 250),
            );
            source.put(key, bytes);
            everStored.set(key, (everStored.get(key) ?? new Set()).add(bytes.toString("hex")));
          };
          const touch = (): void => {
            const key = `o/${Math.floor(random.next() * 25)}`;
            if (random.next() < 0.25) source.remove(key);
            else put(key);
          };
          for (let index = 0; index < 25; index += 1) put(`o/${index}`);
          let calm = false;
          // A token that never arrived is known to nobody: the store's own clean-up ends such uploads.
          let strayUploads = 0;
          const hook = (call: StoreCall) => {
            if (calm || !CALLS.includes(call) || random.next() > rate) return "none" as const;
            if (random.next() < 0.3) touch();
            const fault = (["fail", "lose", "spoil"] as const)[Math.floor(random.next() * 3)]!;
            if (call === "beginUpload" && fault === "lose") strayUploads += 1;
            return fault;
          };
          const stores = {
            source: new FaultyObjectStore(source, hook),
            target: new FaultyObjectStore(target, hook),
          };
          const deletes = { ...ALL_MAY_GO, delayMs: MINUTE_MS };
          const check = (): void => {
            for (const key of target.keys()) {
              expect(everStored.get(key)?.has(target.bytesOf(key)!.toString("hex"))).toBe(true);
            }
          };
          const kept = new Set(target.keys());
          for (let round = 0; round < 4; round += 1) {
            surroundings.nowMs += 2 * MINUTE_MS;
            await run({ deletes }, stores);
            check();
            for (const key of target.keys()) kept.add(key);
            // What the source holds and the target has had is still there.
            for (const key of kept) if (source.bytesOf(key) === null) kept.delete(key);
            expect([...kept].filter((key) => target.bytesOf(key) === null)).toEqual([]);
            touch();
          }
          calm = true;
          for (const _ of [1, 2]) {
            surroundings.nowMs += 2 * MINUTE_MS;
            expect((await run({ deletes }, stores)).outcome).toBe("done");
          }
          expect(content(target)).toEqual(content(source));
          expect(target.openUploads).toBeLessThanOrEqual(strayUploads);
          const verified = await verifyObjects({
            source: placeOf(source),
            target: placeOf(target),
            surroundings,
            signal: UNENDING,
            readEverything: true,
          });
          expect(verified.outcome).toBe("same");
        },
      ),
      { numRuns: Number(process.env["OBJECTS_FAULT_RUNS"] ?? 60) },
    );
  }, 300_000);
});

/** What everything that remembers for copying objects must do, as tests. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type { TombstoneStore, UploadJournal, UploadRecord } from "@cloudphoenix/objects";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

export interface ObjectMemoryHarness {
  readonly journal: UploadJournal;
  readonly tombstones: TombstoneStore;
  stop(): Promise<void>;
}

export interface ObjectMemoryContract {
  /** Name of the implementation, printed with every test. */
  readonly name: string;
  /** The memory of a pair of places that knows nothing. */
  readonly setup: () => Promise<ObjectMemoryHarness>;
}

const NOW = 1_767_225_600_000;
const ALL = { after: null, limit: 100 };
const ODD = "ünï/😀\uFFFD'\"\\";

/** Declares the suites for one implementation. */
export function describeObjectMemory({ name, setup }: ObjectMemoryContract): void {
  let memory: ObjectMemoryHarness;

  beforeEach(async () => {
    memory = await setup();
  });

  afterEach(async () => {
    await memory.stop();
  });

  describe(`tombstone store ${name}`, () => {
    test("knows of nothing before the first complete round", async () => {
      const { tombstones } = memory;
      expect(await tombstones.lastRound()).toBeNull();
      expect(await tombstones.count(Infinity)).toEqual({ missing: 0, due: 0 });
      const number = await tombstones.openRound();
      await tombstones.noteMissing(number, [{ name: "a", targetEtag: "e1" }]);
      expect(await tombstones.count(Infinity)).toEqual({ missing: 0, due: 0 });
      expect(await tombstones.due(Infinity, ALL)).toEqual([]);
    });

    test("keeps the age of what round after round misses, and forgets what came back", async () => {
      const { tombstones } = memory;
      await round(tombstones, NOW, "a", "b");
      await round(tombstones, NOW + 1_000, "b", "c");
      expect(await tombstones.due(NOW, ALL)).toEqual([
        { name: "b", targetEtag: "e1", sinceMs: NOW },
      ]);
      expect(await tombstones.count(NOW)).toEqual({ missing: 2, due: 1 });
      const facts = { completedMs: NOW + 1_000, sourceObjects: 10, targetObjects: 12 };
      expect(await tombstones.lastRound()).toEqual(facts);
    });

    test("keeps what it knows of names that a round left out", async () => {
      const { tombstones } = memory;
      await round(tombstones, NOW, "a", "hot/a", "hot/b");
      const number = await tombstones.openRound();
      await tombstones.noteMissing(number, [{ name: "hot/b", targetEtag: "e1" }]);
      const facts = { completedMs: NOW + 1_000, sourceObjects: 10, targetObjects: 12 };
      await tombstones.completeRound(number, facts, (key) => key.startsWith("hot/"));

      expect(await tombstones.due(NOW, ALL)).toMatchObject([{ name: "a" }, { name: "hot/b" }]);
    });

    test("begins anew for another version at the target", async () => {
      const { tombstones } = memory;
      await round(tombstones, NOW, "a");
      const number = await tombstones.openRound();
      await tombstones.noteMissing(number, [{ name: "a", targetEtag: "e2" }]);
      const facts = { completedMs: NOW + 5_000, sourceObjects: 1, targetObjects: 2 };
      await tombstones.completeRound(number, facts);
      const [a] = await tombstones.due(Infinity, ALL);
      expect(a).toEqual({ name: "a", targetEtag: "e2", sinceMs: NOW + 5_000 });
    });

    test("lets a round that was never completed leave no trace", async () => {
      const { tombstones } = memory;
      await round(tombstones, NOW, "a");
      const broken = await tombstones.openRound();
      await tombstones.noteMissing(broken, [{ name: "z", targetEtag: "e1" }]);
      await round(tombstones, NOW + 1_000, "a");
      expect((await tombstones.due(Infinity, ALL)).map((one) => one.name)).toEqual(["a"]);
      expect((await tombstones.due(NOW, ALL))[0]?.sinceMs).toBe(NOW);
      const late = [{ name: "y", targetEtag: "e1" }];
      const refused = { code: "CONFLICT" };
      await expect(tombstones.noteMissing(broken, late)).rejects.toMatchObject(refused);
      const facts = { completedMs: NOW, sourceObjects: 1, targetObjects: 2 };
      await expect(tombstones.completeRound(broken, facts)).rejects.toMatchObject(refused);
    });

    test("hands out what is due in pages, in the order of bytes, whatever the names are", async () => {
      const { tombstones } = memory;
      const names = ["B", "a", "a/b", "a0", "é", ODD];
      await round(tombstones, NOW, ...names.toReversed());
      const first = await tombstones.due(NOW, { after: null, limit: 3 });
      expect(first.map((one) => one.name)).toEqual(["B", "a", "a/b"]);
      const rest = await tombstones.due(NOW, { after: "a/b", limit: 10 });
      expect(rest.map((one) => one.name)).toEqual(["a0", "é", ODD]);
    });

    test("forgets by name, and nothing else", async () => {
      const { tombstones } = memory;
      await round(tombstones, NOW, "a", "b");
      await tombstones.forget(["a", "unknown"]);
      expect((await tombstones.due(NOW, ALL)).map((one) => one.name)).toEqual(["b"]);
    });
  });

  describe(`upload journal ${name}`, () => {
    const record: UploadRecord = {
      key: ODD,
      sourceEtag: "s1",
      sizeBytes: 20_000_000,
      partBytes: 8_000_000,
      upload: { key: ODD, token: "t1" },
    };
    const part = { number: 1, sizeBytes: 8_000_000, receipt: "r1", md5: "aa" };

    test("keeps an upload with its parts and the state of its hash", async () => {
      const { journal } = memory;
      expect(await journal.find(ODD)).toBeNull();
      await journal.begin(record);
      await journal.partStored(ODD, { ...part, number: 2 });
      await journal.partStored(ODD, part);
      await journal.partStored(ODD, { ...part, receipt: "r1 again" });
      const state = Uint8Array.from([0, 1, 255]);
      await journal.hashed(ODD, { parts: 1, state });
      expect(await journal.find(ODD)).toEqual({
        record,
        parts: [
          { ...part, receipt: "r1 again" },
          { ...part, number: 2 },
        ],
        hashed: { parts: 1, state },
      });
      expect(await journal.all()).toEqual([record]);
    });

    test("begins anew with nothing of what was before", async () => {
      const { journal } = memory;
      await journal.begin(record);
      await journal.partStored(ODD, part);
      await journal.begin({ ...record, sourceEtag: "s2" });
      const known = { record: { ...record, sourceEtag: "s2" }, parts: [], hashed: null };
      expect(await journal.find(ODD)).toEqual(known);
    });

    test("forgets an upload with all that belongs to it", async () => {
      const { journal } = memory;
      await journal.begin(record);
      await journal.partStored(ODD, part);
      await journal.forget(ODD);
      await journal.forget("unknown");
      expect(await journal.find(ODD)).toBeNull();
      expect(await journal.all()).toEqual([]);
    });
  });
}

/** One complete round that misses these. */
async function round(
  tombstones: TombstoneStore,
  atMs: number,
  ...missing: readonly string[]
): Promise<void> {
  const number = await tombstones.openRound();
  const noted = missing.map((one) => ({ name: one, targetEtag: "e1" }));
  await tombstones.noteMissing(number, noted);
  const facts = { completedMs: atMs, sourceObjects: 10, targetObjects: 12 };
  await tombstones.completeRound(number, facts);
}

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { absentKeys, compareKeys, type ObjectEntry } from "../src/index.ts";

function entry(key: string): ObjectEntry {
  return { key, sizeBytes: 1, etag: "e", modifiedMs: 0, md5: null, stamp: null };
}

async function* paged<T>(items: readonly T[], size: number): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}

/** One key, then no more answers. */
async function* broken(): AsyncGenerator<readonly ObjectEntry[]> {
  yield [entry("a")];
  throw new Error("the store went away");
}

describe("absent keys", () => {
  test("are exactly those without an object, whatever the pages", async () => {
    const key = fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key),
        fc.uniqueArray(key),
        fc.integer({ min: 1, max: 5 }),
        async (wanted, stored, size) => {
          const keys = wanted.toSorted(compareKeys);
          const there = new Set(stored);
          const found = await absentKeys({
            keys: paged(keys, size),
            listing: paged(stored.toSorted(compareKeys).map(entry), 6 - size),
            keep: 1_000,
          });
          const absent = keys.filter((one) => !there.has(one));
          expect(found).toEqual({ looked: keys.length, absent: absent.length, first: absent });
        },
      ),
    );
  });

  test("are all counted, but only the first kept by name", async () => {
    const keys = paged(["a", "b", "c"], 2);
    expect(await absentKeys({ keys, listing: paged<ObjectEntry>([], 1), keep: 2 })).toEqual({
      looked: 3,
      absent: 3,
      first: ["a", "b"],
    });
  });

  test("tell how far they are with every page", async () => {
    const looked: number[] = [];
    const keys = paged(["a", "b", "c", "d"], 2);
    const onPage = (found: { readonly looked: number }): void => void looked.push(found.looked);
    await absentKeys({ keys, listing: paged<ObjectEntry>([], 1), keep: 0, onPage });
    expect(looked).toEqual([1, 3]);
  });

  test("are not concluded from a listing out of order", async () => {
    const listing = paged(["b", "a"].map(entry), 5);
    await expect(absentKeys({ keys: paged(["z"], 1), listing, keep: 1 })).rejects.toThrow(
      "the listing is out of order",
    );
  });

  test("are not concluded from keys out of order, or twice the same", async () => {
    for (const keys of [
      ["b", "a"],
      ["a", "a"],
    ]) {
      const listing = paged([entry("c")], 5);
      await expect(absentKeys({ keys: paged(keys, 5), listing, keep: 1 })).rejects.toThrow(
        "the list of keys is out of order",
      );
    }
  });

  test("are not concluded from a listing that fails half-way", async () => {
    await expect(
      absentKeys({ keys: paged(["a", "b"], 1), listing: broken(), keep: 1 }),
    ).rejects.toThrow("went away");
  });
});

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareKeys,
  type KeyRange,
  mergeListings,
  type ObjectPlace,
  type Pair,
  stampOf,
} from "@cloudphoenix/objects";
import { FaultyObjectStore, MemoryObjectStore } from "@cloudphoenix/testkit";
import { hurriedSurroundings, placeOf, UNENDING } from "./setup.ts";

async function merged(
  source: ObjectPlace,
  target: ObjectPlace,
  range: KeyRange = {},
): Promise<readonly Pair[]> {
  const options = { surroundings: hurriedSurroundings(), signal: UNENDING, range };
  const pairs: Pair[] = [];
  for await (const batch of mergeListings(source, target, options)) pairs.push(...batch);
  return pairs;
}

function kinds(pairs: readonly Pair[]): Record<string, string> {
  return Object.fromEntries(pairs.map(({ name, kind }) => [name, kind]));
}

const KEY = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 6 }),
  fc.constantFrom("a", "a/", "a/b", "a//b", "é", "\u{1F600}", "\uFFFD", "\uE000x", "z"),
);

describe("two listings are merged", () => {
  test("tells what is on one side only, what is the same and what changed", async () => {
    const source = new MemoryObjectStore({ name: "source" });
    const target = new MemoryObjectStore({ name: "target" });
    source.put("in/both", "same");
    source.put("in/changed", "newer");
    source.put("in/perhaps", "new");
    source.put("in/new", "n");
    source.put("elsewhere", "e");
    target.put("out/both", "same");
    target.put("out/changed", "old");
    target.put("out/perhaps", "old");
    target.put("out/extra", "x");

    const pairs = await merged(placeOf(source, "in/"), placeOf(target, "out/"));

    expect(kinds(pairs)).toEqual({
      both: "same",
      changed: "changed",
      extra: "onlyAtTarget",
      new: "onlyAtSource",
      // Of equal size, and what S3 lists as an MD5 may be none.
      perhaps: "unsure",
    });
  });

  test("yields every key of either side once and in order, for any keys, pages and ranges", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(KEY, { maxLength: 30 }),
        fc.uniqueArray(KEY, { maxLength: 30 }),
        fc.record({
          pageSize: fc.integer({ min: 1, max: 7 }),
          after: fc.option(KEY, { nil: undefined }),
          upTo: fc.option(KEY, { nil: undefined }),
        }),
        async (left, right, { pageSize, after, upTo }) => {
          const source = new MemoryObjectStore({ flavour: "s3", pageSize });
          const target = new MemoryObjectStore({ flavour: "blob", pageSize: pageSize + 2 });
          for (const key of left) source.put(`p/${key}`, key);
          for (const key of right) target.put(key, key);

          const range = {
            ...(after === undefined ? {} : { after }),
            ...(upTo === undefined ? {} : { upTo }),
          };
          const pairs = await merged(placeOf(source, "p/"), placeOf(target), range);

          const expected = [...new Set([...left, ...right])]
            .filter((key) => after === undefined || compareKeys(key, after) > 0)
            .filter((key) => upTo === undefined || compareKeys(key, upTo) <= 0)
            .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
          expect(pairs.map(({ name }) => name)).toEqual(expected);
          for (const { name, kind } of pairs) {
            const where = left.includes(name) ? "onlyAtSource" : "onlyAtTarget";
            const isOnBoth = left.includes(name) && right.includes(name);
            expect(kind).toBe(isOnBoth ? "same" : where);
          }
        },
      ),
    );
  });

  test("goes on from the last key when a page fails, and concludes nothing twice or too little", async () => {
    const source = new MemoryObjectStore({ pageSize: 2 });
    for (const key of "abcdefgh") source.put(key, key);
    let pages = 0;
    const faulty = new FaultyObjectStore(source, (call) => {
      if (call === "page") pages += 1;
      return call === "page" && pages % 2 === 0 ? "fail" : "none";
    });

    const pairs = await merged(placeOf(faulty), placeOf(new MemoryObjectStore()));

    expect(pairs.map(({ name }) => name).join("")).toBe("abcdefgh");
    expect(pages).toBeGreaterThan(5);
  });

  test.each(["source", "target"] as const)(
    "fails, and does not end, when the %s's listing fails half-way for good",
    async (side) => {
      const store = new MemoryObjectStore({ pageSize: 2 });
      for (const key of "abcdef") store.put(key, key);
      let pages = 0;
      const faulty = new FaultyObjectStore(store, (call) => {
        if (call === "page") pages += 1;
        return pages > 1 ? "fail" : "none";
      });
      const sides =
        side === "source" ? [placeOf(faulty), placeOf(store)] : [placeOf(store), placeOf(faulty)];

      await expect(merged(sides[0]!, sides[1]!)).rejects.toMatchObject({
        code: "LISTING_BROKEN",
        retryable: true,
        message: expect.stringContaining("after b"),
      });
    },
  );

  test("refuses a listing that is out of order or says a key twice", async () => {
    const store = new MemoryObjectStore();
    for (const key of "ab") store.put(key, key);
    const reversed = new FaultyObjectStore(store, (call) => (call === "page" ? "spoil" : "none"));

    await expect(merged(placeOf(reversed), placeOf(new MemoryObjectStore()))).rejects.toMatchObject(
      {
        code: "LISTING_BROKEN",
        retryable: false,
        message: expect.stringContaining("a comes after b"),
      },
    );
  });

  test("ends what is under way when its consumer leaves early", async () => {
    const source = new MemoryObjectStore({ pageSize: 1 });
    for (const key of "abc") source.put(key, key);
    const options = { surroundings: hurriedSurroundings(), signal: UNENDING };

    for await (const batch of mergeListings(placeOf(source), placeOf(source), options)) {
      expect(batch[0]?.name).toBe("a");
      break;
    }
  });

  test("is told to stop", async () => {
    const source = new MemoryObjectStore();
    source.put("a", "a");
    const options = { surroundings: hurriedSurroundings(), signal: AbortSignal.abort() };
    const merge = mergeListings(placeOf(source), placeOf(source), options);

    await expect(merge.next()).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("the same content is recognised", () => {
  const MD5 = "9e107d9d372bb6826bd81d3542a419d6";
  const entry = { key: "k", sizeBytes: 5, etag: "e", modifiedMs: 0, md5: null, stamp: null };

  async function kindOf(
    source: Partial<typeof entry | { md5: string; stamp: string }>,
    target: Partial<typeof entry | { md5: string; stamp: string }>,
    listsMetadata = true,
  ): Promise<string | undefined> {
    const place = (side: object): ObjectPlace => {
      const store = new MemoryObjectStore({ capabilities: { listsMetadata } });
      store.list = async function* list() {
        yield [{ ...entry, ...side }];
      };
      return placeOf(store);
    };
    return (await merged(place(source), place(target)))[0]?.kind;
  }

  test.each([
    [
      "a stamp of the source's version",
      {},
      { etag: "t", stamp: stampOf({ etag: "e", md5: MD5 }, "k") },
      "same",
    ],
    [
      "a stamp of another version",
      {},
      { stamp: stampOf({ etag: "older", md5: MD5 }, "k") },
      "changed",
    ],
    [
      "a stamp over other bytes",
      {},
      { stamp: stampOf({ etag: "e", md5: MD5 }, "k"), md5: "0".repeat(32) },
      "changed",
    ],
    [
      "a copy that went the other way",
      { stamp: stampOf({ etag: "t", md5: MD5 }, "k") },
      { etag: "t" },
      "same",
    ],
    ["equal hashes", { md5: MD5 }, { md5: MD5 }, "same"],
    ["other hashes", { md5: MD5 }, { md5: "0".repeat(32) }, "changed"],
    [
      "another size under a stamp",
      {},
      { sizeBytes: 6, stamp: stampOf({ etag: "e", md5: MD5 }, "k") },
      "changed",
    ],
    ["a stamp of another key", {}, { stamp: stampOf({ etag: "e", md5: MD5 }, "other") }, "changed"],
    [
      "equal hashes under a stamp of another key",
      { md5: MD5 },
      { md5: MD5, stamp: stampOf({ etag: "older", md5: MD5 }, "other") },
      "same",
    ],
    ["a stamp of version 1, which names no key", {}, { stamp: `v1/e/${MD5}` }, "same"],
    ["equal times and sizes", {}, { etag: "t" }, "changed"],
    ["a stamp that is not understood", {}, { stamp: "v9?" }, "changed"],
  ])("%s", async (_what, source, target, kind) => {
    expect(await kindOf(source, target)).toBe(kind);
  });

  test("is left open where the listing does not tell the stamp and hashes are missing", async () => {
    expect(await kindOf({}, { etag: "t" }, false)).toBe("unsure");
  });
});

import {
  FaultyObjectStore,
  MemoryObjectStore,
  SeededRandom,
  VirtualClock,
} from "@cloudphoenix/testkit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AbsentKeys,
  absentKeys,
  compareKeys,
  type ObjectStore,
  QUICK_RETRIES,
} from "../src/index.ts";

const NEVER = new AbortController().signal;

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
          const found = await absentFrom(storeWith(stored, 6 - size), paged(keys, size));
          const absent = keys.filter((one) => !there.has(one));
          expect(found).toEqual({ looked: keys.length, absent: absent.length, first: absent });
        },
      ),
    );
  });

  test("are all counted, but only the first kept by name", async () => {
    const keys = paged(["a", "b", "c"], 2);
    expect(await absentFrom(storeWith([]), keys, { keep: 2 })).toEqual({
      looked: 3,
      absent: 3,
      first: ["a", "b"],
    });
  });

  test("are counted over thousands, too", async () => {
    const names = Array.from({ length: 2_500 }, (_, at) => String(at).padStart(5, "0"));
    const found = await absentFrom(storeWith(names.slice(100, 200)), paged(names, 700));
    expect(found).toMatchObject({ looked: 2_500, absent: 2_400 });
    expect(found.first.slice(98, 102)).toEqual(["00098", "00099", "00200", "00201"]);
  });

  test("are not objects that were stored while the walk went on", async () => {
    const inner = storeWith(["z"]);
    // The service stores the object, then its row appears: both after the listing was read.
    const keys = (async function* later(): AsyncGenerator<readonly string[]> {
      yield ["a"];
      inner.put("b", Buffer.from("new"));
      yield ["b", "c", "z"];
    })();
    expect(await absentFrom(inner, keys)).toEqual({ looked: 4, absent: 2, first: ["a", "c"] });
  });

  test("that were not asked for again when the time was over are not counted as looked at", async () => {
    const over = new AbortController();
    const keys = (async function* cut(): AsyncGenerator<readonly string[]> {
      yield ["a", "b"];
      over.abort();
      throw new Error("the time is over");
    })();
    const found = await absentFrom(storeWith(["a"]), keys, { until: over.signal });
    expect(found).toEqual({ looked: 1, absent: 0, first: [] });
  });

  test("are those, too, that the store could not hold", async () => {
    const store = new MemoryObjectStore({ refuses: (key) => key.endsWith(".") });
    store.put("a", "a");

    const found = await absentFrom(store, paged(["a", "bad.", "c"], 2));

    expect(found).toEqual({ looked: 3, absent: 2, first: ["bad.", "c"] });
  });

  test("are asked for again when the store does not answer at once", async () => {
    const clock = new VirtualClock();
    let failures = 2;
    const store = new FaultyObjectStore(storeWith([]), (call) => {
      if (call !== "head" || failures === 0) return "none";
      failures -= 1;
      return "fail";
    });
    const finding = absentFrom(store, paged(["a"], 1), { clock });
    await clock.advance(5_000);
    expect(await finding).toMatchObject({ absent: 1 });
    expect(failures).toBe(0);
  });

  test("are not concluded from a listing out of order", async () => {
    const store = new FaultyObjectStore(storeWith(["a", "b"]), (call) =>
      call === "page" ? "spoil" : "none",
    );
    const finding = absentFrom(store, paged(["z"], 1));
    await expect(finding).rejects.toMatchObject({ code: "LISTING_BROKEN" });
  });

  test("are not concluded from keys out of order, or twice the same", async () => {
    for (const keys of [
      ["b", "a"],
      ["a", "a"],
    ]) {
      await expect(absentFrom(storeWith(["c"]), paged(keys, 5))).rejects.toThrow(
        "the list of keys is out of order",
      );
    }
  });

  test("are not concluded from a listing that fails half-way again and again", async () => {
    const clock = new VirtualClock();
    const store = new FaultyObjectStore(storeWith(["a", "b"], 1), (call, key) =>
      call === "page" && key === "b" ? "fail" : "none",
    );
    const finding = absentFrom(store, paged(["a", "b"], 1), { clock }).catch((error) => error);
    await clock.advance(60_000);
    expect(String(await finding)).toContain("503 Slow Down (page)");
  });

  test("are found although a page of the listing fails once", async () => {
    const clock = new VirtualClock();
    let failures = 1;
    const store = new FaultyObjectStore(storeWith(["a", "b", "d"], 1), (call, key) => {
      if (call !== "page" || key !== "b" || failures === 0) return "none";
      failures -= 1;
      return "fail";
    });
    const finding = absentFrom(store, paged(["a", "b", "c", "d"], 2), { clock });
    await clock.advance(5_000);
    expect(await finding).toEqual({ looked: 4, absent: 1, first: ["c"] });
    expect(failures).toBe(0);
  });
});

function storeWith(keys: readonly string[], pageSize = 1_000): MemoryObjectStore {
  const store = new MemoryObjectStore({ pageSize });
  for (const key of keys) store.put(key, Buffer.from(key));
  return store;
}

function absentFrom(
  store: ObjectStore,
  keys: AsyncIterable<readonly string[]>,
  {
    keep = 10_000,
    clock = new VirtualClock(),
    until = NEVER,
  }: { readonly keep?: number; readonly clock?: VirtualClock; readonly until?: AbortSignal } = {},
): Promise<AbsentKeys> {
  const tools = { surroundings: { clock, random: new SeededRandom(1) }, retries: QUICK_RETRIES };
  return absentKeys({ keys, store, prefix: "", keep, until, tools }, NEVER);
}

async function* paged<T>(items: readonly T[], size: number): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}

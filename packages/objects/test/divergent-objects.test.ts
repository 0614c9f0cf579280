import { CloudPhoenixError } from "@cloudphoenix/core";
import {
  CANARY_NAME,
  copyObject,
  DEFAULT_RETRIES,
  type DivergentEntry,
  divergentObjects,
  type ObjectStore,
} from "@cloudphoenix/objects";
import { FaultyObjectStore, MemoryObjectStore } from "@cloudphoenix/testkit";
import { beforeEach, describe, expect, test } from "vitest";
import { hurriedSurroundings, placeOf, toolsFor, UNENDING } from "./setup.ts";

let s3: MemoryObjectStore;
let blob: MemoryObjectStore;

beforeEach(() => {
  s3 = new MemoryObjectStore({ flavour: "s3", pageSize: 3 });
  blob = new MemoryObjectStore({ flavour: "blob", pageSize: 4 });
});

interface Walk {
  readonly looked: number;
  readonly found: readonly DivergentEntry[];
}

async function walk(
  here: ObjectStore = s3,
  there: ObjectStore = blob,
  prefix = "",
  signal = UNENDING,
): Promise<Walk> {
  const found: DivergentEntry[] = [];
  let looked = 0;
  const request = {
    here: placeOf(here, prefix),
    there: placeOf(there),
    tools: { surroundings: hurriedSurroundings(), retries: DEFAULT_RETRIES },
  };
  for await (const page of divergentObjects(request, signal)) {
    looked += page.looked;
    found.push(...page.found);
  }
  return { looked, found };
}

const namesOf = ({ found }: Walk): readonly string[] => found.map(({ name }) => name);

async function copied(source: ObjectStore, target: ObjectStore, key: string): Promise<void> {
  const outcome = await copyObject(
    { sourceKey: key, targetKey: key },
    toolsFor(source, target),
    UNENDING,
  );
  expect(outcome.kind).toBe("copied");
}

/** The store, for questions only. */
function readOnly(store: ObjectStore): ObjectStore {
  return new FaultyObjectStore(store, (call) => {
    if (call !== "head" && call !== "list" && call !== "page")
      throw new Error(`${call} is no question`);
    return "none";
  });
}

describe("divergent objects", () => {
  test("are those the other place lacks or has otherwise; what only the other has is none", async () => {
    for (let index = 0; index < 20; index += 1) {
      s3.put(`o/${index}`, `content ${index}`);
      blob.put(`o/${index}`, `content ${index}`);
    }
    blob.remove("o/1");
    blob.put("o/3", "CONTENT 3");
    blob.put("o/5", "longer than before");
    blob.put("new", "written since");

    const seen = await walk();

    expect(seen.looked).toBe(20);
    expect(namesOf(seen)).toEqual(["o/1", "o/3", "o/5"]);
    expect(seen.found[0]).toMatchObject({ here: { sizeBytes: 9 }, there: null });
    expect(seen.found[2]).toMatchObject({ here: { sizeBytes: 9 }, there: { sizeBytes: 18 } });
  });

  test("are never copies, in either direction, also of large objects without a hash", async () => {
    s3.put("large", Buffer.alloc(5_000, 1));
    await copied(s3, blob, "large");
    blob.put("home again", Buffer.alloc(5_000, 2));
    await copied(blob, s3, "home again");

    expect(await walk()).toMatchObject({ looked: 2, found: [] });
    expect(await walk(blob, s3)).toMatchObject({ looked: 2, found: [] });
  });

  test("are objects that were written over after they had been copied", async () => {
    s3.put("a", "first");
    await copied(s3, blob, "a");
    s3.put("a", "again");

    expect(namesOf(await walk())).toEqual(["a"]);
  });

  test("are not objects with the same bytes, whatever their stamps say", async () => {
    s3.put("a", "first");
    await copied(s3, blob, "a");
    // Both sides stored the same since, and one carried the metadata of the copy along.
    const now = await blob.head("a", UNENDING);
    s3.put("a", "same");
    blob.put("a", "same", { stamp: now?.properties.stamp ?? null, contentType: "text/plain" });

    expect(namesOf(await walk())).toEqual([]);
  });

  test("are not those that the other place got while the walk went on", async () => {
    s3.put("a", "1");
    s3.put("b", "2");
    const growing = new FaultyObjectStore(blob, (call, key) => {
      // Its listing has been read by now.
      if (call === "head" && key === "a") blob.put("a", "1");
      return "none";
    });

    expect(namesOf(await walk(s3, growing))).toEqual(["b"]);
  });

  test("are those, too, whose name the other place cannot hold", async () => {
    blob = new MemoryObjectStore({ flavour: "blob", refuses: (key) => key.endsWith(".") });
    s3.put("bad.", "1");

    expect(namesOf(await walk())).toEqual(["bad."]);
  });

  test("are told by the name below the prefix; the canary of a copy is none", async () => {
    s3.put("app/a", "1");
    s3.put(`app/${CANARY_NAME}`, "mine");
    blob.put(CANARY_NAME, "yours");

    expect(await walk(s3, blob, "app/")).toMatchObject({ looked: 1, found: [{ name: "a" }] });
  });

  test("are not concluded from a listing that breaks", async () => {
    for (const key of ["a", "b", "c", "d", "e"]) s3.put(key, key);
    blob.put("z", "z");
    const broken = new FaultyObjectStore(blob, (call) => (call === "page" ? "fail" : "none"));

    await expect(walk(s3, broken)).rejects.toMatchObject({ code: "LISTING_BROKEN" });
    await expect(walk(s3, blob, "", AbortSignal.abort())).rejects.toBeInstanceOf(CloudPhoenixError);
  });

  test("are found without a write to either place", async () => {
    s3.put("a", "1");
    expect(namesOf(await walk(readOnly(s3), readOnly(blob)))).toEqual(["a"]);
  });
});

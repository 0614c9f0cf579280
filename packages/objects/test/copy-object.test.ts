import { describe, expect, test } from "vitest";
import { copyObject, readStamp } from "@cloudphoenix/objects";
import { FaultyObjectStore, MemoryObjectStore, type StoreCall } from "@cloudphoenix/testkit";
import { bytesOf, md5, REQUEST } from "./copy-fixture.ts";
import { toolsFor, UNENDING } from "./setup.ts";

describe.each([
  ["small", 900],
  ["empty", 0],
  ["large", 4_321],
  ["exactly some parts", 3_000],
])("a %s object", (_size, length) => {
  test.each([
    ["s3", "blob"],
    ["blob", "s3"],
  ] as const)("is copied from %s to %s with everything that belongs to it", async (from, to) => {
    const source = new MemoryObjectStore({ flavour: from });
    const target = new MemoryObjectStore({ flavour: to });
    const bytes = bytesOf(length);
    const facts = source.put("k", bytes, {
      contentType: "image/png",
      cacheControl: "max-age=60",
      metadata: { order: "7" },
      tags: { team: "blue" },
    });
    const tools = toolsFor(source, target);

    const outcome = await copyObject(REQUEST, tools, UNENDING);

    expect(outcome).toMatchObject({ kind: "copied", sizeBytes: length, sourceEtag: facts.etag });
    expect(target.bytesOf("copy/k")).toEqual(bytes);
    const copy = await target.head("copy/k", UNENDING);
    expect(copy?.properties).toMatchObject({
      contentType: "image/png",
      cacheControl: "max-age=60",
      metadata: { order: "7" },
      tags: { team: "blue" },
    });
    expect(readStamp(copy?.stamp ?? null)).toMatchObject({ etag: facts.etag });
    expect(await tools.journal.all()).toEqual([]);
    expect(target.openUploads).toBe(0);
  });

  test("is found to be there already the second time", async () => {
    const source = new MemoryObjectStore();
    const target = new MemoryObjectStore({ flavour: "blob" });
    source.put("k", bytesOf(length));
    const tools = toolsFor(source, target);
    await copyObject(REQUEST, tools, UNENDING);

    expect(await copyObject(REQUEST, tools, UNENDING)).toEqual({ kind: "alreadyThere" });
  });

  test("is copied whole although the source changes while it is read", async () => {
    const store = new MemoryObjectStore();
    const target = new MemoryObjectStore();
    store.put("k", bytesOf(length));
    let changes = 0;
    const source = new FaultyObjectStore(store, (call) => {
      if ((call === "read" || call === "readWhole") && changes < 3) {
        changes += 1;
        store.put("k", bytesOf(length + 1, changes));
      }
      return "none";
    });

    const outcome = await copyObject(REQUEST, toolsFor(source, target), UNENDING);

    expect(outcome.kind).toBe("copied");
    expect(changes).toBe(3);
    expect(target.bytesOf("copy/k")).toEqual(store.bytesOf("k"));
    expect(target.openUploads).toBe(0);
  });

  test("is given up for this run if the source never rests, and nothing half of it is left", async () => {
    const store = new MemoryObjectStore();
    const target = new MemoryObjectStore();
    store.put("k", bytesOf(length));
    let changes = 0;
    const source = new FaultyObjectStore(store, (call) => {
      changes += 1;
      if (call === "read" || call === "readWhole") store.put("k", bytesOf(length + 1, changes));
      return "none";
    });

    await expect(copyObject(REQUEST, toolsFor(source, target), UNENDING)).rejects.toMatchObject({
      code: "OBJECT_CHANGED",
      retryable: true,
    });
    expect(target.size).toBe(0);
    expect(target.openUploads).toBe(0);
  });

  test("that is deleted meanwhile is gone, and that is no failure", async () => {
    const store = new MemoryObjectStore();
    store.put("k", bytesOf(length));
    const source = new FaultyObjectStore(store, (call) => {
      if (call === "read" || call === "readWhole") store.remove("k");
      return "none";
    });
    const target = new MemoryObjectStore();

    expect(await copyObject(REQUEST, toolsFor(source, target), UNENDING)).toEqual({ kind: "gone" });
    expect(target.size).toBe(0);
  });

  test("never overwrites what somebody else wrote at the target meanwhile", async () => {
    const source = new MemoryObjectStore();
    source.put("k", bytesOf(length));
    const store = new MemoryObjectStore();
    const target = new FaultyObjectStore(store, (call) => {
      const isWrite = call === "write" || call === "finishUpload";
      if (isWrite) store.put("copy/k", "an order placed after the failover");
      return "none";
    });

    await expect(copyObject(REQUEST, toolsFor(source, target), UNENDING)).rejects.toMatchObject({
      code: "OBJECT_CHANGED",
      retryable: false,
    });
    expect(store.bytesOf("copy/k")).toEqual(Buffer.from("an order placed after the failover"));
  });

  test.each([
    "head",
    "read",
    "readWhole",
    "write",
    "beginUpload",
    "uploadPart",
    "uploadedParts",
    "finishUpload",
  ] as const)("arrives whole although %s fails, loses its answer or tells half", async (broken) => {
    for (const fault of ["fail", "lose", "spoil"] as const) {
      const store = new MemoryObjectStore();
      const targetStore = new MemoryObjectStore({ flavour: "blob" });
      store.put("k", bytesOf(length));
      const once = (): ((call: StoreCall) => "none" | typeof fault) => {
        let left = 2;
        return (call) => (call === broken && (left -= 1) >= 0 ? fault : "none");
      };
      const source = new FaultyObjectStore(store, once());
      const target = new FaultyObjectStore(targetStore, once());

      const outcome = await copyObject(REQUEST, toolsFor(source, target), UNENDING);

      expect(["copied", "alreadyThere"]).toContain(outcome.kind);
      expect(md5(targetStore.bytesOf("copy/k"))).toBe(md5(store.bytesOf("k")));
    }
  });
});

test("bytes that are not those whose hash the source tells are asked for again, and never stored", async () => {
  const source = new MemoryObjectStore();
  const target = new MemoryObjectStore();
  source.put("k", "what is stored");
  const readWhole = source.readWhole.bind(source);
  let wrong = 2;
  source.readWhole = async (...given) => {
    const whole = await readWhole(...given);
    wrong -= 1;
    if (wrong < 0) return whole;
    const bytes = Buffer.from("what is st0red");
    return { ...whole, bytes, md5: md5(bytes) };
  };

  const outcome = await copyObject(REQUEST, toolsFor(source, target), UNENDING);

  expect(outcome.kind).toBe("copied");
  expect(target.bytesOf("copy/k")?.toString()).toBe("what is stored");
});

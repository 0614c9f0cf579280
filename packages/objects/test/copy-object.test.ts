import { createHash, hash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { copyObject, type ObjectProperties, readStamp } from "@cloudphoenix/objects";
import { FaultyObjectStore, MemoryObjectStore, type StoreCall } from "@cloudphoenix/testkit";
import { ResumableMd5 } from "../src/resumable-md5.ts";
import { hurriedSurroundings, memoryState, toolsFor, UNENDING } from "./setup.ts";

const REQUEST = { sourceKey: "k", targetKey: "copy/k" };

function bytesOf(length: number, seed = 1): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 31 + seed * 7) % 251));
}

function md5(bytes: Uint8Array | null): string {
  return hash("md5", bytes ?? new Uint8Array(), "hex");
}

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

describe("what is at the target under a key that was thought to be free", () => {
  const forKey = { ...REQUEST, target: null };

  async function copied(flavour: "s3" | "blob"): Promise<{
    source: MemoryObjectStore;
    target: MemoryObjectStore;
    properties: ObjectProperties;
  }> {
    const source = new MemoryObjectStore();
    const target = new MemoryObjectStore({ flavour });
    source.put("k", "first");
    await copyObject(REQUEST, toolsFor(source, target), UNENDING);
    source.put("k", "second");
    const { properties } = (await target.head("copy/k", UNENDING))!;
    return { source, target, properties };
  }

  test.each(["s3", "blob"] as const)(
    "is replaced if a copy left it there (%s)",
    async (flavour) => {
      const { source, target } = await copied(flavour);

      const outcome = await copyObject(forKey, toolsFor(source, target), UNENDING);

      expect(outcome.kind).toBe("copied");
      expect(target.bytesOf("copy/k")?.toString()).toBe("second");
    },
  );

  test.each(["s3", "blob"] as const)(
    "stays if somebody wrote other bytes and carried the stamp along (%s)",
    async (flavour) => {
      const { source, target, properties } = await copied(flavour);
      target.put("copy/k", "theirs", properties);

      const attempt = copyObject(forKey, toolsFor(source, target), UNENDING);

      await expect(attempt).rejects.toMatchObject({ code: "OBJECT_CHANGED", retryable: false });
      expect(target.bytesOf("copy/k")?.toString()).toBe("theirs");
    },
  );

  test("stays if it is a copy that was renamed to this key within the target", async () => {
    const { source, target, properties } = await copied("blob");
    target.put("copy/other", "first", properties);
    source.put("other", "of the source");
    const request = { sourceKey: "other", targetKey: "copy/other", target: null };

    const attempt = copyObject(request, toolsFor(source, target), UNENDING);

    await expect(attempt).rejects.toMatchObject({ code: "OBJECT_CHANGED", retryable: false });
    expect(target.bytesOf("copy/other")?.toString()).toBe("first");
  });

  test("is replaced under a stamp of an older version, which names no key", async () => {
    const { source, target, properties } = await copied("blob");
    const { etag, md5: bytesMd5 } = readStamp(properties.stamp)!;
    target.put("copy/k", "first", { ...properties, stamp: `v1/${etag}/${bytesMd5}` });

    const outcome = await copyObject(forKey, toolsFor(source, target), UNENDING);

    expect(outcome.kind).toBe("copied");
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

test("what the target says it put together from other parts is taken back, and copied anew", async () => {
  const source = new MemoryObjectStore();
  const target = new MemoryObjectStore();
  source.put("k", bytesOf(4_500));
  const finish = target.finishUpload.bind(target);
  target.finishUpload = async (request, signal) => {
    const bytes = bytesOf(request.parts[0]!.sizeBytes, 9);
    const wrong = { number: 1, bytes, md5: md5(bytes) };
    const first = await target.uploadPart(request.upload, wrong, signal);
    const parts = [first, ...request.parts.slice(1)];
    return { ...(await finish({ ...request, parts }, signal)), isOther: true };
  };
  const { journal } = memoryState();

  const first = copyObject(REQUEST, toolsFor(source, target, { journal }), UNENDING);

  await expect(first).rejects.toMatchObject({ code: "OBJECT_CORRUPT", retryable: true });
  expect(target.size).toBe(0);
  target.finishUpload = finish;
  const second = await copyObject(REQUEST, toolsFor(source, target, { journal }), UNENDING);
  expect(second.kind).toBe("copied");
  expect(target.bytesOf("copy/k")).toEqual(bytesOf(4_500));
});

describe("copying a large object", () => {
  test("goes on after a crash without sending a stored part again", async () => {
    const source = new MemoryObjectStore();
    const store = new MemoryObjectStore({ flavour: "blob" });
    const bytes = bytesOf(9_500);
    source.put("k", bytes);
    const { journal } = memoryState();
    const sent: string[] = [];
    const crash = new AbortController();
    const counting = new FaultyObjectStore(store, (call) => {
      if (call === "uploadPart") sent.push("part");
      if (sent.length === 5) crash.abort();
      return "none";
    });
    await expect(
      copyObject(REQUEST, toolsFor(source, counting, { journal }), crash.signal),
    ).rejects.toMatchObject({ code: "ABORTED" });
    const stored = (await journal.find("copy/k"))?.parts.length ?? 0;
    expect(stored).toBeGreaterThan(0);

    const known = (await journal.find("copy/k"))!;
    const hashed = known.hashed?.parts ?? 0;
    const settled = known.parts.filter(({ number }) => number <= hashed).length;
    sent.length = 0;
    let reads = 0;
    const readAgain = new FaultyObjectStore(source, (call) => {
      if (call === "read") reads += 1;
      return "none";
    });
    const again = new FaultyObjectStore(store, (call) => {
      if (call === "uploadPart") sent.push("part");
      return "none";
    });
    const outcome = await copyObject(REQUEST, toolsFor(readAgain, again, { journal }), UNENDING);

    expect(outcome).toMatchObject({ kind: "copied", partsKept: stored });
    expect(sent).toHaveLength(10 - stored);
    expect(settled).toBeGreaterThan(0);
    expect(reads).toBe(10 - settled);
    expect(store.bytesOf("copy/k")).toEqual(bytes);
    const copy = await store.head("copy/k", UNENDING);
    expect(copy?.md5).toBe(createHash("md5").update(bytes).digest("hex"));
  });

  test("ends an unfinished upload of another version and begins anew", async () => {
    const source = new MemoryObjectStore();
    const target = new MemoryObjectStore();
    source.put("k", bytesOf(4_000));
    const { journal } = memoryState();
    const upload = await target.beginUpload(
      {
        key: "copy/k",
        properties: (await source.head("k", UNENDING))!.properties,
        condition: { kind: "absent" },
      },
      UNENDING,
    );
    await journal.begin({
      key: "copy/k",
      sourceEtag: "older",
      sizeBytes: 4_000,
      partBytes: 1_000,
      upload,
    });

    const outcome = await copyObject(REQUEST, toolsFor(source, target, { journal }), UNENDING);

    expect(outcome).toMatchObject({ kind: "copied", partsKept: 0 });
    expect(target.openUploads).toBe(0);
  });

  test("sends parts again that the target has lost", async () => {
    const source = new MemoryObjectStore();
    const target = new MemoryObjectStore();
    const bytes = bytesOf(4_000);
    source.put("k", bytes);
    const { journal } = memoryState();
    const crash = new AbortController();
    const crashing = new FaultyObjectStore(target, (call) => {
      if (call === "finishUpload") crash.abort();
      return "none";
    });
    await copyObject(REQUEST, toolsFor(source, crashing, { journal }), crash.signal).catch(
      () => null,
    );
    const { record } = (await journal.find("copy/k"))!;
    await target.uploadPart(
      record.upload,
      { number: 2, bytes: new Uint8Array(1), md5: md5(new Uint8Array(1)) },
      UNENDING,
    );

    const outcome = await copyObject(REQUEST, toolsFor(source, target, { journal }), UNENDING);

    expect(outcome).toMatchObject({ kind: "copied", partsKept: 3 });
    expect(target.bytesOf("copy/k")).toEqual(bytes);
  });

  test("begins anew if what was kept from before had been read wrongly", async () => {
    // The same version by its etag and size, other bytes: what a read gives that nobody can check.
    const lying = new MemoryObjectStore({ flavour: "blob" });
    const source = new MemoryObjectStore({ flavour: "blob" });
    const target = new MemoryObjectStore();
    const bytes = bytesOf(9_500);
    lying.put(
      "k",
      bytes.map((byte) => byte ^ 1),
    );
    source.put("k", bytes);
    const { journal } = memoryState();
    let sent = 0;
    const crash = new AbortController();
    const crashing = new FaultyObjectStore(target, (call) => {
      if (call === "uploadPart") sent += 1;
      if (sent === 5) crash.abort();
      return "none";
    });
    await copyObject(REQUEST, toolsFor(lying, crashing, { journal }), crash.signal).catch(
      () => null,
    );
    expect((await journal.find("copy/k"))?.parts.length).toBeGreaterThan(0);

    const outcome = await copyObject(REQUEST, toolsFor(source, target, { journal }), UNENDING);

    expect(outcome).toMatchObject({ kind: "copied", partsKept: 0 });
    expect(target.bytesOf("copy/k")).toEqual(bytes);
    expect(target.openUploads).toBe(0);
  });

  test("holds no more than its memory budget", async () => {
    const source = new MemoryObjectStore();
    source.put("k", bytesOf(20_000));
    const target = new MemoryObjectStore();
    let open = 0;
    let most = 0;
    const upload = target.uploadPart.bind(target);
    target.uploadPart = async (...given) => {
      open += 1;
      most = Math.max(most, open);
      // Everything that may be under way gets there before this one ends.
      for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
      const part = await upload(...given);
      open -= 1;
      return part;
    };
    const sizes = { wholeMaxBytes: 1_000, partBytes: 2_500, partsInFlight: 8 };

    await copyObject(REQUEST, toolsFor(source, target, { sizes }), UNENDING);

    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
  });

  test("says that the target cannot take a name, and does not try again", async () => {
    const source = new MemoryObjectStore();
    source.put("k", "x");
    const target = new MemoryObjectStore({ refuses: () => true });
    const surroundings = hurriedSurroundings();
    const startMs = surroundings.nowMs;

    await expect(
      copyObject(REQUEST, toolsFor(source, target, { surroundings }), UNENDING),
    ).rejects.toMatchObject({ code: "OBJECT_NAME_REFUSED" });
    expect(surroundings.nowMs).toBe(startMs);
  });
});

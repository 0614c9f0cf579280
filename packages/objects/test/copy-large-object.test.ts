import { describe, expect, test } from "vitest";
import { copyObject } from "@cloudphoenix/objects";
import { FaultyObjectStore, MemoryObjectStore } from "@cloudphoenix/testkit";
import { bytesOf, md5, REQUEST } from "./copy-fixture.ts";
import { hurriedSurroundings, memoryState, toolsFor, UNENDING } from "./setup.ts";

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
    expect(copy?.md5).toBe(md5(bytes));
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

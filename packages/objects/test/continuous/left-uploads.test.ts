/** Uploads in parts that nobody will go on with. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import { NO_PROPERTIES } from "@cloudphoenix/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CopyWorld } from "./copy-world.ts";

const MIB = 1024 * 1024;
const MINUTE = 60_000;
let world: CopyWorld;

beforeEach(() => {
  world = new CopyWorld({ source: { flavour: "blob" }, target: { flavour: "s3" } });
});

afterEach(async () => {
  await world.stopAll();
});

/** A copier that has begun to upload `large` and gets no further. */
async function stuck(): Promise<ReturnType<CopyWorld["copier"]>> {
  world.source.put("large", Buffer.alloc(20 * MIB, 1));
  let parts = 0;
  const copier = world.copier({
    targetFaults: (call) => {
      if (call !== "uploadPart") return "none";
      parts += 1;
      return parts > 1 ? "fail" : "none";
    },
  });
  world.start(copier);
  await world.clock.runUntil(() => parts > 3, 60_000);
  expect(world.target.openUploads).toBe(1);
  return copier;
}

/** As an earlier process began it, of an object that is gone. */
async function leaveUpload(key: string): Promise<void> {
  const request = { key, properties: NO_PROPERTIES, condition: { kind: "none" } } as const;
  const upload = await world.target.beginUpload(request, new AbortController().signal);
  const record = { key, sourceEtag: "0x1", sizeBytes: 20 * MIB, partBytes: MIB, upload };
  await world.state.journal.begin(record);
}

describe("an upload in parts", () => {
  test("of an object that is deleted at the source meanwhile does not stay open", async () => {
    await stuck();
    world.source.remove("large");
    world.hint("large", "deleted");
    await world.clock.advance(3 * MINUTE);
    expect(world.target.openUploads).toBe(0);
    expect(await world.state.journal.all()).toEqual([]);
  });

  test("that an earlier process began is ended if its object is gone", async () => {
    await leaveUpload("gone");
    world.source.put("other", "1");
    world.start(world.copier());
    await world.clock.advance(MINUTE / 2);
    expect(world.target.openUploads).toBe(0);
  });

  test("that the store refuses to end keeps no other from being ended, and is said", async () => {
    for (const key of ["a", "b", "c"]) await leaveUpload(key);
    world.source.put("other", "1");
    const copier = world.copier({
      targetFaults: (call, key) => {
        if (call !== "abortUpload" || key !== "a") return "none";
        throw new CloudPhoenixError("OBJECT_STORE_DENIED", "no right to", { retryable: false });
      },
    });
    world.start(copier);
    await world.clock.advance(3 * MINUTE);
    expect((await world.state.journal.all()).map(({ key }) => key)).toEqual(["a"]);
    expect(world.target.openUploads).toBe(1);
    expect(world.said).toContain("comparing: no right to");
    expect(copier.facts().lastReconciledMs).toBeGreaterThan(0);
  });

  test("of a version that is still there is left to be gone on with", async () => {
    await stuck();
    await world.clock.advance(3 * MINUTE);
    expect(world.target.openUploads).toBe(1);
  });
});

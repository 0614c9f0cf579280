/** What it costs to find out that nothing is to be done. */
import { hash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StoreCall } from "@cloudphoenix/testkit";
import { stampOf } from "../../src/stamp.ts";
import { CopyWorld } from "./copy-world.ts";

const LARGE = Buffer.alloc(9 * 1024 * 1024, "x");
let world: CopyWorld;
let calls: Map<StoreCall, number>;

beforeEach(() => {
  calls = new Map();
});

afterEach(async () => {
  await world.stopAll();
});

const count = (call: StoreCall, key: string): "none" => {
  if (!key.startsWith(".cloudphoenix/")) calls.set(call, (calls.get(call) ?? 0) + 1);
  return "none";
};

const called = (...names: readonly StoreCall[]): number =>
  names.reduce((sum, name) => sum + (calls.get(name) ?? 0), 0);

const COUNTED = { sourceFaults: count, targetFaults: count } as const;

describe("a standby whose listing does not tell what an object holds", () => {
  beforeEach(() => {
    world = new CopyWorld({ source: { flavour: "blob" }, target: { flavour: "s3" } });
    for (let n = 0; n < 50; n += 1) world.source.put(`k${n}`, `of ${n}`);
  });

  test("is asked once about each object, and then no more: nothing is transferred again", async () => {
    const first = world.copier({ ...COUNTED, listsNoMd5: true });
    const running = world.start(first);
    await world.clock.advance(200_000);
    expect(first.facts()).toMatchObject({ pending: 0, failed: 0 });
    expect([called("readWhole", "read"), called("write")]).toEqual([50, 50]);
    await running.stop();

    calls.clear();
    world.start(world.copier({ ...COUNTED, listsNoMd5: true }));
    await world.clock.advance(200_000);
    expect([called("readWhole", "read"), called("write"), called("head")]).toEqual([0, 0, 100]);
  });

  test("has a change that came after it was asked copied all the same", async () => {
    world.start(world.copier({ listsNoMd5: true }));
    await world.clock.advance(100_000);
    world.source.put("k7", "changed");
    world.target.remove("k8");
    await world.clock.advance(70_000);
    expect([world.textAt("k7"), world.textAt("k8")]).toEqual(["changed", "of 8"]);
  });
});

describe("a large object", () => {
  beforeEach(() => {
    world = new CopyWorld();
    world.source.put("large", LARGE);
  });

  test("that is in place is not read again for a late hint", async () => {
    const running = world.start(world.copier());
    await world.clock.runUntil(() => world.copies().length === 1, 120_000);
    await world.clock.advance(1_000);
    await running.stop();
    world.start(world.copier(COUNTED));
    await world.clock.advance(2_000);
    world.hint("large");
    await world.clock.advance(2_000);
    expect(called("read", "readWhole", "beginUpload")).toBe(0);
  });

  test("that somebody wrote at the standby meanwhile leaves no upload open", async () => {
    const copier = world.copier({
      targetFaults: (call, key) => {
        if (call === "finishUpload" && key === "large") world.target.put("large", "theirs");
        return "none";
      },
    });
    world.start(copier);
    await world.clock.runUntil(() => copier.facts().failed === 1, 120_000);
    expect(world.textAt("large")).toBe("theirs");
    expect(world.target.openUploads).toBe(0);
    expect(await world.state.journal.all()).toEqual([]);
  });

  test("that another process copied meanwhile leaves no upload open", async () => {
    let done = false;
    const md5 = hash("md5", LARGE, "hex");
    const copier = world.copier({
      targetFaults: (call, key) => {
        if (call === "finishUpload" && key === "large" && !done) {
          done = true;
          world.target.put("large", LARGE, { stamp: stampOf({ etag: md5, md5 }, "large") });
        }
        return "none";
      },
    });
    world.start(copier);
    await world.clock.runUntil(() => done && copier.facts().pending === 0, 120_000);
    expect(copier.facts()).toMatchObject({ failed: 0 });
    expect(world.target.openUploads).toBe(0);
  });
});

describe("hints that nobody took while the site was the standby", () => {
  test("are not asked about if a comparison tells the same, and do not keep it waiting", async () => {
    world = new CopyWorld();
    for (let n = 0; n < 400; n += 1) world.source.put(`old${n}`, "x");
    const running = world.start(world.copier());
    await world.clock.runUntil(() => world.copies().length === 400, 60_000);
    await running.stop();
    for (let n = 0; n < 400; n += 1) world.hint(`old${n}`, "written", 86_400_000);
    const copier = world.copier(COUNTED);
    world.start(copier);
    await world.clock.advance(1_000);
    expect(called("readWhole", "write", "head")).toBe(0);
    expect(copier.facts().lastReconciledMs).not.toBeNull();
  });

  test("are still worth something if an earlier process had not come so far", async () => {
    world = new CopyWorld();
    const first = world.copier();
    const running = world.start(first);
    await world.clock.advance(2_000);
    await running.stop();
    const earlier = first.memory();
    world.source.put("late", "1");
    world.hint("late");
    await world.clock.advance(3_600_000);
    world.start(
      world.copier({
        sourceFaults: (call) => (call === "page" ? "fail" : "none"),
        more: { earlier },
      }),
    );
    await world.clock.advance(2_000);
    expect(world.copies()).toEqual(["late"]);
  });
});

describe("a store that asks for patience", () => {
  test("gets fewer objects at once, and more again when it answers", async () => {
    world = new CopyWorld();
    let busy = false;
    const begun: number[] = [];
    const copier = world.copier({
      limits: { inFlight: 16 },
      sourceFaults: (call, key) => {
        if (call === "head" && key.startsWith("k")) begun.push(world.clock.now());
        return "none";
      },
      targetFaults: (call, key) =>
        busy && call === "write" && key.startsWith("k") ? "fail" : "none",
    });
    /** How many of them were begun in the instant in which they were heard of. */
    const atOnce = async (prefix: string): Promise<number> => {
      begun.length = 0;
      const keys = Array.from({ length: 16 }, (_, n) => `${prefix}${n}`);
      for (const key of keys) world.source.put(key, "x");
      const atMs = world.clock.now();
      const hint = { kind: "written", sequencer: null, atMs } as const;
      world.hints.push(...keys.map((key) => ({ ...hint, key })));
      await world.clock.advance(4);
      return begun.length;
    };
    world.start(copier);
    await world.clock.advance(2_000);
    busy = true;
    expect(await atOnce("k-before-")).toBe(16);
    await world.clock.advance(50);
    const meanwhile = await atOnce("k-meanwhile-");
    expect(meanwhile).toBeLessThan(10);
    busy = false;
    await world.clock.advance(120_000);
    busy = true;
    expect(await atOnce("k-after-")).toBeGreaterThan(meanwhile);
  });
});

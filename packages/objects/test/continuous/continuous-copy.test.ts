import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { readCanary } from "../../src/continuous/canary.ts";
import { CANARY_NAME } from "../../src/own-names.ts";
import { CopyWorld, stale } from "./copy-world.ts";

const NEVER = new AbortController().signal;
let world: CopyWorld;

beforeEach(() => {
  world = new CopyWorld();
});

afterEach(async () => {
  await world.stopAll();
});

describe("a continuous copy", () => {
  test("begins with a comparison: what was there before any hint is copied", async () => {
    for (let n = 0; n < 50; n += 1) world.source.put(`receipts/${n}`, `receipt ${n}`);
    const copier = world.copier();
    world.start(copier);
    expect(copier.facts()).toMatchObject({ backlogAgeMs: null, markMs: null });
    const beganMs = world.clock.now();
    await world.clock.runUntil(() => world.copies().length === 50, 10_000);
    await world.clock.advance(1_000);
    expect(world.textAt("receipts/7")).toBe("receipt 7");
    const facts = copier.facts();
    expect(facts).toMatchObject({ pending: 0, markMs: beganMs, lastReconciledMs: beganMs });
  });

  test("copies what a hint tells of, long before the next comparison", async () => {
    const copier = world.copier();
    world.start(copier);
    await world.clock.advance(1_000);
    world.source.put("late", "1");
    world.hint("late");
    await world.clock.advance(500);
    expect(world.textAt("late")).toBe("1");
  });

  test("asks the source what is there: hints twice, late and out of order change nothing", async () => {
    const copier = world.copier();
    world.start(copier);
    await world.clock.advance(1_000);
    world.source.put("a", "first");
    world.source.put("a", "second");
    world.source.put("b", "gone at once");
    world.source.remove("b");
    world.hint("a", "deleted", 3_000);
    world.hint("b", "deleted");
    world.hint("b", "written", 1_000);
    world.hint("a", "written", 500);
    world.hint("a", "written", 500);
    await world.clock.advance(1_000);
    expect(world.copies()).toEqual(["a"]);
    expect(world.textAt("a")).toBe("second");
    world.hint("a", "written", 4_000);
    await world.clock.advance(1_000);
    expect(copier.facts()).toMatchObject({ pending: 0, failed: 0 });
  });

  test("finds changes whose hints were lost, and then only is everything known to be copied", async () => {
    const copier = world.copier();
    world.start(copier);
    await world.clock.advance(1_000);
    world.source.put("lost", "1");
    await world.clock.advance(30_000);
    expect(world.copies()).toEqual([]);
    const markMs = copier.facts().markMs!;
    await world.clock.advance(60_000);
    expect(world.copies()).toEqual(["lost"]);
    expect(copier.facts().markMs!).toBeGreaterThan(markMs + 55_000);
  });

  test("copies a key again that changed while it was copied", async () => {
    world.source.put("a", "first");
    let changed = false;
    const copier = world.copier({
      targetFaults: (call, key) => {
        if (call === "write" && key === "a" && !changed) {
          changed = true;
          world.source.put("a", "second");
          world.hint("a");
        }
        return "none";
      },
    });
    world.start(copier);
    await world.clock.advance(2_000);
    expect(world.textAt("a")).toBe("second");
    expect(copier.facts().pending).toBe(0);
  });

  test("copies again what somebody removed at the standby", async () => {
    world.source.put("a", "1");
    world.start(world.copier());
    await world.clock.advance(1_000);
    world.target.remove("a");
    await world.clock.advance(70_000);
    expect(world.copies()).toEqual(["a"]);
  });

  test("tries again what failed, others going on meanwhile, and says so until it works", async () => {
    let broken = true;
    const copier = world.copier({
      targetFaults: (call, key) => (broken && call === "write" && key === "a" ? "fail" : "none"),
    });
    world.start(copier);
    await world.clock.advance(1_000);
    world.source.put("a", "1");
    world.source.put("b", "1");
    world.hint("a");
    world.hint("b");
    await world.clock.advance(3_000);
    expect(world.copies()).toEqual(["b"]);
    const { failures, pending, backlogAgeMs } = copier.facts();
    expect(failures).toMatchObject([{ key: "a", code: "OBJECT_STORE_UNREACHABLE", retried: true }]);
    expect(pending).toBe(1);
    expect(backlogAgeMs).toBe(3_000);
    broken = false;
    await world.clock.advance(30_000);
    expect(world.textAt("a")).toBe("1");
    expect(copier.facts()).toMatchObject({ failed: 0, failures: [], pending: 0 });
  });

  test("keeps its memory bounded: what does not fit is found by a comparison, its age is kept", async () => {
    let open = false;
    const copier = world.copier({
      limits: { pendingMax: 10 },
      targetFaults: (call) => (call === "write" && !open ? "fail" : "none"),
    });
    world.start(copier);
    await world.clock.advance(1_000);
    for (let n = 0; n < 30; n += 1) {
      world.source.put(`k${n}`, "x");
      world.hint(`k${n}`, "written", n === 20 ? 9_000 : 0);
    }
    await world.clock.advance(1_000);
    expect(copier.facts().pending).toBeLessThanOrEqual(10);
    // The change of k20 has no place any more, but its age is not forgotten.
    open = true;
    await world.clock.advance(200_000);
    expect(world.copies()).toHaveLength(30);
    expect(copier.facts()).toMatchObject({ pending: 0, failed: 0 });
  });
});

describe("a comparison that ends half-way", () => {
  test("proves nothing and deletes nothing, and what it saw is copied all the same", async () => {
    for (let n = 0; n < 3_000; n += 1) world.source.put(`k${String(n).padStart(5, "0")}`, "x");
    world.target.put("k02999", "x");
    let pages = 0;
    const copier = world.copier({
      limits: { pendingMax: 10_000 },
      sourceFaults: (call) => {
        if (call !== "page") return "none";
        pages += 1;
        return pages === 2 || pages === 3 ? "fail" : "none";
      },
    });
    world.start(copier);
    await world.clock.advance(3_000);
    expect(copier.facts()).toMatchObject({ markMs: null, backlogAgeMs: null });
    expect(world.copies().length).toBeGreaterThan(0);
    expect(await world.missing()).toBe(0);
    await world.clock.advance(60_000);
    expect(world.copies()).toHaveLength(3_000);
    expect(copier.facts().markMs).not.toBeNull();
  });
});

describe("the canary", () => {
  test("measures how far behind the copy is when nobody writes", async () => {
    const copier = world.copier();
    world.start(copier);
    await world.clock.advance(20_000);
    // Without its hint it would be copied by comparisons only.
    world.hint(CANARY_NAME);
    await world.clock.advance(2_500);
    const seenMs = copier.facts().canarySeenMs!;
    expect(world.clock.now() - seenMs).toBeLessThan(6_000);
    const there = await readCanary({ store: world.target, prefix: "" }, NEVER);
    expect(there).toMatchObject({ site: "site-a", generation: 7 });
  });

  test("keeps the age low with hints alone, and the age grows once the active store is gone", async () => {
    let gone = false;
    const copier = world.copier({ sourceFaults: () => (gone ? "fail" : "none") });
    world.start(copier);
    for (let n = 0; n < 10; n += 1) {
      await world.clock.advance(2_000);
      world.hint(CANARY_NAME);
    }
    await world.clock.advance(500);
    expect(copier.facts().backlogAgeMs!).toBeLessThan(3_000);
    gone = true;
    await world.clock.advance(40_000);
    const { backlogAgeMs, canarySeenMs, atMs } = copier.facts();
    expect(backlogAgeMs!).toBeGreaterThan(40_000);
    expect(backlogAgeMs!).toBeLessThan(43_000);
    expect(atMs - canarySeenMs!).toBeGreaterThan(40_000);
  });
});

describe("authority", () => {
  test("is asked for before every batch, and without it nothing more is written", async () => {
    const copier = world.copier();
    const { ended } = world.start(copier);
    await world.clock.advance(1_000);
    const before = world.authorityAsked;
    world.source.put("a", "1");
    world.hint("a");
    await world.clock.advance(500);
    expect(world.authorityAsked).toBeGreaterThan(before);
    world.refusal = stale();
    world.source.put("b", "1");
    world.hint("b");
    await world.clock.advance(500);
    expect(await ended).toMatchObject({ code: "STALE_GENERATION" });
    expect(world.copies()).toEqual(["a"]);
  });

  test("ends the copier also when nothing is to be copied, by way of the canary", async () => {
    const { ended } = world.start(world.copier());
    await world.clock.advance(1_000);
    world.refusal = stale();
    await world.clock.advance(3_000);
    expect(await ended).toMatchObject({ code: "STALE_GENERATION" });
  });

  test("that cannot be told for a while holds everything back and loses nothing", async () => {
    const copier = world.copier();
    world.start(copier);
    await world.clock.advance(1_000);
    const gone = { retryable: true };
    world.refusal = new CloudPhoenixError("STATE_UNAVAILABLE", "no answer", gone);
    world.source.put("a", "1");
    world.hint("a");
    await world.clock.advance(5_000);
    expect(world.copies()).toEqual([]);
    expect(copier.facts().pending).toBe(1);
    world.refusal = null;
    await world.clock.advance(3_000);
    expect(world.copies()).toEqual(["a"]);
    expect(copier.facts().pending).toBe(0);
  });

  test("that was lost in the middle of a batch does not let older content over newer", async () => {
    const copier = world.copier();
    world.source.put("cart", "old");
    world.start(copier);
    await world.clock.advance(1_000);
    expect(world.textAt("cart")).toBe("old");
    const late = world.copier({
      targetFaults: (call, key) => {
        // The roles turn round while the write is on its way: the standby's application writes.
        if (call === "write" && key === "cart") world.target.put("cart", "written at the new site");
        return "none";
      },
    });
    world.source.put("cart", "late");
    world.start(late);
    await world.clock.advance(2_000);
    expect(world.textAt("cart")).toBe("written at the new site");
    expect(late.facts().failures).toMatchObject([
      { key: "cart", code: "CONFLICT", retried: false },
    ]);
  });
});

describe("two copiers at once", () => {
  test("leave every object as the source has it, and neither finds the other's copies foreign", async () => {
    for (let n = 0; n < 100; n += 1) world.source.put(`k${n}`, `v${n}`);
    const [one, two] = [world.copier(), world.copier()];
    world.start(one);
    world.start(two);
    for (let n = 0; n < 100; n += 5) {
      world.source.put(`k${n}`, `new ${n}`);
      world.hint(`k${n}`);
      await world.clock.advance(50);
    }
    await world.clock.advance(120_000);
    for (let n = 0; n < 100; n += 1) {
      expect(world.textAt(`k${n}`)).toBe(n % 5 === 0 ? `new ${n}` : `v${n}`);
    }
    expect([one.facts().failed, two.facts().failed]).toEqual([0, 0]);
  });
});

describe("an object at the standby that is no copy", () => {
  test("is never overwritten, is listed, and is copied over once somebody took it away", async () => {
    world.source.put("a", "active");
    world.target.put("a", "somebody else's");
    const copier = world.copier();
    world.start(copier);
    world.hint("a");
    await world.clock.advance(3_000);
    expect(world.textAt("a")).toBe("somebody else's");
    expect(copier.facts()).toMatchObject({
      failed: 1,
      failures: [{ key: "a", code: "CONFLICT", retried: false }],
      pending: 0,
    });
    world.target.remove("a");
    await world.clock.advance(70_000);
    expect(world.textAt("a")).toBe("active");
    expect(copier.facts().failed).toBe(0);
  });

  test("with the same content is in sync", async () => {
    world.source.put("a", "same");
    world.target.put("a", "same");
    const copier = world.copier();
    world.start(copier);
    world.hint("a");
    await world.clock.advance(3_000);
    expect(copier.facts()).toMatchObject({ failed: 0, pending: 0 });
  });

  test("gives way if it is known to have been copied the other way before", async () => {
    const partingMs = world.clock.now();
    world.target.put("before", "old, known at the active site");
    await world.clock.advance(10);
    world.target.put("after", "acknowledged, then lost");
    world.source.put("before", "newer");
    world.source.put("after", "newer");
    const mayReplace = ({ modifiedMs }: { modifiedMs: number }): boolean => modifiedMs <= partingMs;
    const copier = world.copier({ more: { mayReplace } });
    world.start(copier);
    await world.clock.advance(3_000);
    expect(world.textAt("before")).toBe("newer");
    expect(world.textAt("after")).toBe("acknowledged, then lost");
    expect(copier.facts().failures.map(({ key }) => key)).toEqual(["after"]);
  });
});

describe("whoever takes over", () => {
  test("goes on with what was known, and does not claim that more is", async () => {
    world.source.put("a", "1");
    const first = world.copier();
    const running = world.start(first);
    await world.clock.advance(2_000);
    await running.stop();
    const earlier = first.memory();
    await world.clock.advance(30_000);
    const second = world.copier({ more: { earlier }, sourceFaults: () => "fail" });
    world.start(second);
    await world.clock.advance(100);
    const { markMs, backlogAgeMs, canarySeenMs, atMs } = second.facts();
    expect(markMs).toBe(earlier.facts.markMs);
    expect(backlogAgeMs).toBe(atMs - earlier.facts.markMs!);
    expect(canarySeenMs).toBe(earlier.facts.canarySeenMs);
  });
});

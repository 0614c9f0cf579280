import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CopyWorld } from "./copy-world.ts";

const DELAY = 600_000;
let world: CopyWorld;

beforeEach(() => {
  world = new CopyWorld();
});

afterEach(async () => {
  await world.stopAll();
});

describe("a deleted object", () => {
  test("stays at the standby until two complete comparisons, the delay apart, missed it", async () => {
    world.source.put("a", "1");
    world.source.put("b", "1");
    const copier = world.copier();
    world.start(copier);
    await world.clock.advance(1_000);
    world.source.remove("a");
    world.hint("a", "deleted");
    await world.clock.advance(61_000);
    expect(await world.missing()).toBe(1);
    await world.clock.advance(DELAY - 120_000);
    expect(world.copies()).toEqual(["a", "b"]);
    await world.clock.advance(180_000);
    expect(world.copies()).toEqual(["b"]);
    expect(copier.facts().deleted).toBe(1);
    expect(await world.missing()).toBe(0);
  });

  test("is found by a comparison when its hint was lost", async () => {
    world.source.put("a", "1");
    world.source.put("b", "1");
    world.start(world.copier());
    await world.clock.advance(1_000);
    world.source.remove("a");
    await world.clock.advance(DELAY + 180_000);
    expect(world.copies()).toEqual(["b"]);
  });

  test("that is stored again is not deleted", async () => {
    world.source.put("a", "1");
    world.source.put("b", "1");
    world.start(world.copier());
    await world.clock.advance(1_000);
    world.source.remove("a");
    world.hint("a", "deleted");
    await world.clock.advance(DELAY / 2);
    world.source.put("a", "1");
    world.hint("a");
    await world.clock.advance(DELAY);
    expect(world.copies()).toEqual(["a", "b"]);
  });

  test("is not deleted if what is at the standby is not what was copied there", async () => {
    world.source.put("b", "1");
    world.target.put("foreign", "somebody else's");
    const copier = world.copier();
    world.start(copier);
    await world.clock.advance(2 * DELAY);
    expect(world.copies()).toEqual(["b", "foreign"]);
    expect(copier.facts().failures).toMatchObject([{ key: "foreign", code: "CONFLICT" }]);
    world.target.remove("foreign");
    await world.clock.advance(2 * 60_000);
    expect(copier.facts().failed).toBe(0);
  });
});

describe("a renamed object", () => {
  test("whose new name the standby cannot hold does not lose its old name, and it is said", async () => {
    world = new CopyWorld({ target: { refuses: (key) => key.endsWith(".") } });
    world.source.put("k1", "1");
    world.source.put("b", "1");
    const copier = world.copier();
    world.start(copier);
    await world.clock.advance(2_000);
    world.source.put("k1.", "1");
    world.hint("k1.");
    world.source.remove("k1");
    await world.clock.advance(2 * DELAY);
    expect(world.copies()).toEqual(["b", "k1"]);
    expect(copier.facts().deletesHeldBack).toMatch(/deletes are held back: 1 objects are due/u);
    expect(copier.facts()).toMatchObject({ needPerson: 1, paused: null });
    // Renamed once more, to something both sides can hold: now nothing is in the way.
    world.source.put("k1-", "1");
    world.source.remove("k1.");
    await world.clock.advance(2 * 60_000);
    expect(world.copies()).toEqual(["b", "k1-"]);
    expect(copier.facts().needPerson).toBe(0);
    expect(copier.facts().deletesHeldBack).toBeNull();
  });

  test("keeps what may be it and has its size, and nothing else, while a name is refused for good", async () => {
    world = new CopyWorld({ target: { refuses: (key) => key.endsWith(".") } });
    world.source.put("since long.", "x");
    await world.clock.advance(60_000);
    for (const key of ["b", "long", "short"]) world.source.put(key, key === "short" ? "y" : key);
    const copier = world.copier();
    world.start(copier);
    await world.clock.advance(2_000);
    world.source.remove("long");
    world.source.remove("short");
    await world.clock.advance(2 * DELAY);
    expect(world.copies()).toEqual(["b", "short"]);
    expect(copier.facts().deletesHeldBack).toMatch(/deletes are held back: 1 objects are due/u);
  });

  test("while the listing is read, to a name that was refused before, does not lose its old name", async () => {
    world = new CopyWorld({
      source: { pageSize: 1 },
      target: { refuses: (key) => key.endsWith(".") },
    });
    world.source.put("a.", "x");
    world.source.put("b", "1");
    world.source.put("k1", "longer");
    let renames = false;
    const copier = world.copier({
      limits: { deletes: { delayMs: 0, maxPercent: 100, maxCount: 100 } },
      // `a.` has been listed by then, `k1` has not.
      sourceFaults: (call, key) => {
        if (renames && call === "page" && key === "b") {
          renames = false;
          world.source.put("a.", "longer");
          world.source.remove("k1");
        }
        return "none";
      },
    });
    world.start(copier);
    await world.clock.advance(130_000);
    expect(copier.facts().needPerson).toBe(1);
    renames = true;
    await world.clock.advance(2 * DELAY);
    expect(world.copies()).toEqual(["b", "k1"]);
  });

  test("whose copy under the new name fails for now is deleted only once that is over", async () => {
    let broken = true;
    const copier = world.copier({
      targetFaults: (call, key) => (broken && call === "write" && key === "new" ? "fail" : "none"),
    });
    world.source.put("old", "1");
    world.source.put("b", "1");
    world.start(copier);
    await world.clock.advance(2_000);
    world.source.put("new", "1");
    world.source.remove("old");
    await world.clock.advance(2 * DELAY);
    expect(world.copies()).toEqual(["b", "old"]);
    broken = false;
    await world.clock.advance(3 * 60_000);
    expect(world.copies()).toEqual(["b", "new"]);
  });

  test("does not wait for changes that came after it was gone", async () => {
    const copier = world.copier({
      targetFaults: (call, key) => (call === "write" && key === "later" ? "fail" : "none"),
    });
    world.source.put("a", "1");
    world.source.put("b", "1");
    world.start(copier);
    await world.clock.advance(2_000);
    world.source.remove("a");
    await world.clock.advance(120_000);
    world.source.put("later", "1");
    await world.clock.advance(2 * DELAY);
    expect(world.copies()).toEqual(["b"]);
  });
});

describe("an object that is stored again while its delete is under way", () => {
  test("is at the standby afterwards, and is not taken for in sync until then", async () => {
    world.source.put("a", "1");
    world.source.put("b", "1");
    let deletes = 0;
    const copier = world.copier({
      targetFaults: (call, key) => {
        if (call === "delete" && key === "a") {
          deletes += 1;
          // The same bytes again, between the last question and the delete; its hint is lost.
          world.source.put("a", "1");
        }
        return "none";
      },
    });
    world.start(copier);
    await world.clock.advance(2_000);
    world.source.remove("a");
    await world.clock.runUntil(() => deletes > 0, 2 * DELAY);
    await world.clock.advance(2_000);
    expect(world.copies()).toEqual(["a", "b"]);
  });

  test("later is copied at its hint, although the same version was copied before", async () => {
    world.source.put("a", "1");
    world.source.put("b", "1");
    const copier = world.copier({
      // No comparison comes to help.
      sourceFaults: (call) => (call === "page" && copier.facts().deleted > 0 ? "fail" : "none"),
    });
    world.start(copier);
    await world.clock.advance(2_000);
    world.source.remove("a");
    await world.clock.runUntil(() => copier.facts().deleted > 0, 2 * DELAY);
    await world.clock.advance(2_000);
    world.source.put("a", "1");
    world.hint("a");
    await world.clock.advance(2_000);
    expect(world.copies()).toEqual(["a", "b"]);
  });

  test("is asked for once more right before it would be deleted", async () => {
    const many = Array.from({ length: 40 }, (_, n) => `k${n + 10}`);
    for (const key of [...many, "z"]) world.source.put(key, "1");
    const deletes: string[] = [];
    const copier = world.copier({
      targetFaults: (call, key) => {
        if (call === "delete") deletes.push(key);
        // All were judged; the last of them is stored again while the first is deleted.
        if (deletes.length === 1) world.source.put("z", "1");
        return "none";
      },
    });
    world.start(copier);
    await world.clock.advance(2_000);
    for (const key of [...many.slice(0, 19), "z"]) world.source.remove(key);
    await world.clock.advance(2 * DELAY);
    expect(deletes).toHaveLength(19);
    expect(deletes).not.toContain("z");
    expect(world.copies()).toEqual([...many.slice(19), "z"]);
    expect(copier.facts()).toMatchObject({ deleted: 19, failed: 0, deletesHeldBack: null });
  });
});

describe("many deleted objects", () => {
  test("that go little by little are stopped at what an hour allows, also by whoever takes over", async () => {
    const limits = { deletes: { delayMs: 60_000, maxPercent: 10, maxCount: 1_000 } };
    for (let n = 100; n < 200; n += 1) world.source.put(`k${n}`, "x");
    let copier = world.copier({ limits });
    let running = world.start(copier);
    await world.clock.advance(2_000);
    for (let n = 100; n < 118; n += 2) {
      world.source.remove(`k${n}`);
      world.source.remove(`k${n + 1}`);
      await world.clock.advance(60_000);
    }
    await world.clock.advance(240_000);
    expect(world.copies().length).toBeGreaterThanOrEqual(90);
    expect(copier.facts().deletesHeldBack).toMatch(
      /more than 10 of 100 objects would be deleted within an hour/u,
    );
    await running.stop();
    copier = world.copier({ limits, more: { earlier: copier.memory() } });
    running = world.start(copier);
    await world.clock.advance(240_000);
    expect(world.copies().length).toBeGreaterThanOrEqual(90);
    // An hour later what is left fits again.
    await world.clock.advance(3_700_000);
    expect(world.copies()).toHaveLength(82);
    expect(copier.facts().deletesHeldBack).toBeNull();
  });

  test("are not deleted at once: it stops and says what to do", async () => {
    for (let n = 0; n < 20; n += 1) world.source.put(`k${n}`, "x");
    const copier = world.copier();
    world.start(copier);
    await world.clock.advance(2_000);
    for (let n = 0; n < 15; n += 1) world.source.remove(`k${n}`);
    await world.clock.advance(3 * DELAY);
    expect(world.copies()).toHaveLength(20);
    expect(copier.facts().deletesHeldBack).toMatch(/more than 10 of 20 objects would be deleted/u);
    world.source.put("new", "1");
    world.hint("new");
    await world.clock.advance(1_000);
    expect(world.copies()).toContain("new");
  });

  test("are not deleted when the listing of the source was empty for no reason", async () => {
    for (let n = 0; n < 20; n += 1) world.source.put(`k${n}`, "x");
    const running = world.start(world.copier());
    await world.clock.advance(2_000);
    await running.stop();
    const limits = { deletes: { delayMs: 0, maxPercent: 100, maxCount: 1_000 } };
    const source = { store: emptyListing(world), prefix: "" };
    const copier = world.copier({ limits, more: { source } });
    world.start(copier);
    await world.clock.advance(3 * DELAY);
    expect(world.copies()).toHaveLength(20);
    expect(copier.facts().deleted).toBe(0);
  });

  test("are not deleted when the source is suddenly empty", async () => {
    world.source.put("a", "1");
    const limits = { deletes: { delayMs: 0, maxPercent: 100, maxCount: 1_000 } };
    const copier = world.copier({ limits });
    world.start(copier);
    await world.clock.advance(65_000);
    world.source.remove("a");
    await world.clock.advance(200_000);
    expect(world.copies()).toEqual(["a"]);
    expect(copier.facts().deletesHeldBack).toMatch(/the source is empty/u);
  });
});

/** The source with a listing that shows nothing; objects are there when asked for by name. */
function emptyListing({ source }: CopyWorld): CopyWorld["source"] {
  return new Proxy(source, {
    get(store, name) {
      if (name === "list") return async function* nothing() {};
      const value: unknown = Reflect.get(store, name, store);
      return typeof value === "function" ? value.bind(store) : value;
    },
  });
}

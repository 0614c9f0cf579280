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

describe("many deleted objects", () => {
  test("are not deleted at once: it stops and says what to do", async () => {
    for (let n = 0; n < 20; n += 1) world.source.put(`k${n}`, "x");
    const copier = world.copier();
    world.start(copier);
    await world.clock.advance(2_000);
    for (let n = 0; n < 15; n += 1) world.source.remove(`k${n}`);
    await world.clock.advance(3 * DELAY);
    expect(world.copies()).toHaveLength(20);
    expect(copier.facts().paused).toMatch(/more than 10 of 21 objects would be deleted/u);
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
    expect(copier.facts().paused).toMatch(/the source is empty/u);
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

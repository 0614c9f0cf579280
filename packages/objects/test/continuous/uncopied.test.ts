/** What is known to have been copied, for whoever copies the other way one day. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FaultyObjectStore } from "@cloudphoenix/testkit";
import { CopyWorld, toolsFor } from "./copy-world.ts";

let world: CopyWorld;

beforeEach(() => {
  world = new CopyWorld();
});

afterEach(async () => {
  await world.stopAll();
});

describe("what is known to have been copied", () => {
  test("leaves out by name what needs a person, until it is copied", async () => {
    world.source.put("a", "active");
    world.source.put("b", "1");
    world.target.put("a", "somebody else's");
    const copier = world.copier();
    world.start(copier);
    expect(copier.memory().copied).toBeNull();
    const beganMs = world.clock.now();
    await world.clock.advance(3_000);
    expect(copier.facts().pending).toBe(0);
    expect(copier.memory().copied).toEqual({ untilMs: beganMs, except: ["a"] });
    world.target.remove("a");
    await world.clock.advance(70_000);
    expect(copier.memory().copied).toMatchObject({ except: [] });
  });

  test("leaves it out while a comparison has met it again and nobody has tried yet", async () => {
    world.source.put("a", "active");
    world.target.put("a", "somebody else's");
    let slow = false;
    const copier = world.copier({
      targetFaults: (call, key) => (slow && call === "head" && key === "a" ? "fail" : "none"),
    });
    world.start(copier);
    await world.clock.advance(3_000);
    const { sinceMs } = copier.facts().failures[0]!;
    slow = true;
    await world.clock.advance(130_000);
    expect(copier.memory().copied).toMatchObject({ except: [] });
    expect(copier.memory().copied!.untilMs).toBeLessThan(world.clock.now() - 60_000);
    slow = false;
    await world.clock.advance(130_000);
    expect(copier.memory().copied).toMatchObject({ except: ["a"] });
    expect(copier.facts().failures[0]).toMatchObject({ key: "a", sinceMs });
  });

  test("ends before the oldest of those that are too many to be named", async () => {
    for (let n = 100; n < 230; n += 1) {
      world.source.put(`k${n}`, "active");
      world.target.put(`k${n}`, "other");
      await world.clock.advance(1_000);
    }
    const copier = world.copier();
    world.start(copier);
    await world.clock.advance(10_000);
    const { untilMs, except } = copier.memory().copied!;
    expect(copier.facts()).toMatchObject({ failed: 130, pending: 0 });
    expect(except).toHaveLength(100);
    const named = new Set(except);
    for (const key of world.source.keys()) {
      if (named.has(key) || key.startsWith(".")) continue;
      const facts = await world.source.head(key, new AbortController().signal);
      expect(facts!.modifiedMs).toBeGreaterThanOrEqual(untilMs);
    }
  });

  test("is what an earlier process knew until a comparison of this one is complete", async () => {
    world.source.put("a", "active");
    world.target.put("a", "somebody else's");
    const first = world.copier();
    const running = world.start(first);
    await world.clock.advance(3_000);
    await running.stop();
    const earlier = first.memory();
    const second = world.copier({
      more: { earlier },
      sourceFaults: (call) => (call === "page" ? "fail" : "none"),
    });
    world.start(second);
    await world.clock.advance(3_000);
    expect(second.memory().copied).toEqual(earlier.copied);
  });

  test("does not reach an object that is on its way, however wrong the clock of its store is", async () => {
    const aheadMs = 600_000;
    world = new CopyWorld({ source: { now: () => world.clock.now() + aheadMs } });
    const { modifiedMs } = world.source.put("a", "1");
    await world.clock.advance(60_000);
    const copier = world.copier({
      targetFaults: (call, key) => (call === "write" && key === "a" ? "fail" : "none"),
    });
    world.start(copier);
    await world.clock.advance(5_000);
    expect(copier.facts()).toMatchObject({ pending: 1, backlogAgeMs: 65_000 });
    expect(copier.memory().copied!.untilMs).toBe(modifiedMs - aheadMs);
  });
});

/** Has the first site followed by the second, then the application moved; answers with the way back. */
async function moved(): Promise<ReturnType<CopyWorld["copier"]>> {
  const first = world.copier();
  const running = world.start(first);
  await world.clock.advance(130_000);
  await running.stop();
  const { untilMs, except } = first.memory().copied!;
  const source = new FaultyObjectStore(world.target, () => "none");
  const target = new FaultyObjectStore(world.source, () => "none");
  const { clock, state } = world;
  return world.copier({
    limits: { deletes: { delayMs: 60_000, maxPercent: 100, maxCount: 100 } },
    more: {
      from: "site-b",
      to: "site-a",
      source: { store: source, prefix: "" },
      target: { store: target, prefix: "" },
      tools: toolsFor({ source, target, clock, state }),
      mayReplace: ({ key, modifiedMs }) => modifiedMs <= untilMs && !except.includes(key),
    },
  });
}

function textAtFirst(key: string): string | undefined {
  return world.source.bytesOf(key)?.toString();
}

describe("after the application has moved to the other site", () => {
  test("what was never copied from the first is not overwritten there, and what was is", async () => {
    for (const key of ["both", "cart"]) world.source.put(key, "of the first");
    world.target.put("both", "somebody else's");
    const back = await moved();
    world.target.put("cart", "of the second");
    world.start(back);
    await world.clock.advance(5_000);
    expect(["both", "cart"].map(textAtFirst)).toEqual(["of the first", "of the second"]);
    expect(back.facts().failures).toMatchObject([{ key: "both", code: "CONFLICT" }]);
  });

  test("what was never copied from the first is not deleted there, and what was is", async () => {
    world = new CopyWorld({ target: { refuses: (key) => key.endsWith(".") } });
    for (const key of ["archived.", "cart", "gone"]) world.source.put(key, "of the first");
    const back = await moved();
    world.target.remove("gone");
    world.start(back);
    await world.clock.advance(300_000);
    expect(["archived.", "cart"].map(textAtFirst)).toEqual(["of the first", "of the first"]);
    expect(textAtFirst("gone")).toBeUndefined();
    expect(back.facts()).toMatchObject({ deleted: 1, deletesHeldBack: null });
    expect(back.facts().failures).toMatchObject([{ key: "archived.", code: "CONFLICT" }]);
  });
});

describe("an earlier process whose clock was ahead", () => {
  test("is not believed: what it knew of may not have happened", async () => {
    world.source.put("a", "1");
    const first = world.copier();
    const running = world.start(first);
    await world.clock.advance(2_000);
    await running.stop();
    const { facts, ...rest } = first.memory();
    const aheadMs = 600_000;
    const markMs = facts.markMs! + aheadMs;
    const earlier = { ...rest, facts: { ...facts, markMs, atMs: facts.atMs + aheadMs } };
    await world.clock.advance(300_000);
    const second = world.copier({ more: { earlier }, sourceFaults: () => "fail" });
    world.start(second);
    await world.clock.advance(100);
    expect(second.facts()).toMatchObject({ backlogAgeMs: null, markMs: null });
    expect(second.memory().copied).toBeNull();
  });
});

describe("an object at the standby alone", () => {
  test("that is nobody's copy is listed since it was first found, and said once", async () => {
    world.source.put("b", "1");
    world.target.put("foreign", "somebody else's");
    const copier = world.copier({
      limits: { deletes: { delayMs: 0, maxPercent: 100, maxCount: 100 } },
    });
    world.start(copier);
    await world.clock.advance(3_000);
    const [failure] = copier.facts().failures;
    expect(failure).toMatchObject({ key: "foreign", code: "CONFLICT" });
    await world.clock.advance(200_000);
    expect(copier.facts().failures).toEqual([failure]);
    expect(copier.facts()).toMatchObject({ failed: 1, needPerson: 0 });
    expect(copier.facts().deletesHeldBack).toBeNull();
    expect(world.said.filter((line) => line.startsWith("foreign is not deleted"))).toHaveLength(1);
  });
});

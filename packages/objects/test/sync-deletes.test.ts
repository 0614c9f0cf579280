import { describe, expect, test } from "vitest";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { DEFAULT_DELETE_RULES, nameFilter } from "@cloudphoenix/objects";
import { FaultyObjectStore, MemoryObjectStore } from "@cloudphoenix/testkit";
import { UNENDING } from "./setup.ts";
import { ALL_MAY_GO, content, fill, MINUTE_MS, setup, type Setup } from "./sync-world.ts";

async function synced(count = 40): Promise<Setup> {
  const all = setup();
  fill(all.source, count);
  await all.run({ deletes: DEFAULT_DELETE_RULES });
  return all;
}

describe("deletes", () => {
  test("wait until two complete listings, far enough apart, have missed the object", async () => {
    const { source, target, run, surroundings } = await synced();
    source.remove("o/0001");

    const first = await run({ deletes: DEFAULT_DELETE_RULES });
    surroundings.nowMs += 14 * MINUTE_MS;
    const tooSoon = await run({ deletes: DEFAULT_DELETE_RULES });
    expect(target.bytesOf("o/0001")).not.toBeNull();
    surroundings.nowMs += 2 * MINUTE_MS;
    const due = await run({ deletes: DEFAULT_DELETE_RULES });

    expect(first.deletes).toMatchObject({ missing: 1, due: 0, deleted: 0 });
    expect(tooSoon.deletes).toMatchObject({ missing: 1, due: 0, deleted: 0 });
    expect(due.deletes).toMatchObject({ missing: 1, due: 1, deleted: 1 });
    expect(target.bytesOf("o/0001")).toBeNull();
    expect(content(target)).toEqual(content(source));
  });

  test("never happen unless asked for", async () => {
    const { source, target, run, surroundings } = await synced();
    source.remove("o/0001");
    for (const _ of [1, 2, 3]) {
      surroundings.nowMs += 60 * MINUTE_MS;
      expect((await run()).deletes).toMatchObject({ missing: 1, deleted: 0 });
    }
    expect(target.size).toBe(40);
  });

  test("begin to wait anew when the object came back in between or was written at the target", async () => {
    const { source, target, run, surroundings } = await synced();
    source.remove("o/0001");
    source.remove("o/0002");
    await run({ deletes: DEFAULT_DELETE_RULES });
    source.put("o/0001", Buffer.alloc(50, 1));
    await run({ deletes: DEFAULT_DELETE_RULES });
    source.remove("o/0001");
    const { properties } = (await target.head("o/0002", UNENDING))!;
    target.put("o/0002", "written after a failover", properties);
    surroundings.nowMs += 20 * MINUTE_MS;

    const summary = await run({ deletes: DEFAULT_DELETE_RULES });

    expect(summary.deletes).toMatchObject({ missing: 2, due: 0, deleted: 0 });
  });

  test("spare what is back at the source by the time its turn comes", async () => {
    const { source, target, run, surroundings } = await synced();
    source.remove("o/0001");
    await run({ deletes: DEFAULT_DELETE_RULES });
    surroundings.nowMs += 20 * MINUTE_MS;
    const late = new FaultyObjectStore(source, (call, key) => {
      if (call === "head" && key === "o/0001") source.put(key, Buffer.alloc(50, 1));
      return "none";
    });

    const summary = await run({ deletes: DEFAULT_DELETE_RULES }, { source: late });

    expect(summary.deletes).toMatchObject({ due: 1, deleted: 0, reprieved: 1 });
    expect(target.size).toBe(40);
  });

  test("spare what no copy of ours put there", async () => {
    const { target, run, surroundings } = await synced();
    target.put("o/theirs", "x");
    await run({ deletes: DEFAULT_DELETE_RULES });
    surroundings.nowMs += 20 * MINUTE_MS;

    const kept = await run({ deletes: DEFAULT_DELETE_RULES });
    const asked = await run({ deletes: { ...DEFAULT_DELETE_RULES, onlyStamped: false } });

    expect(kept.deletes).toMatchObject({ due: 1, deleted: 0, foreign: 1 });
    expect(asked.deletes).toMatchObject({ deleted: 1, foreign: 0 });
  });

  test.each([
    ["rewritten by somebody who carried the stamp along", "o/0001", "other bytes"],
    ["renamed within the target, stamp and all", "o/renamed", Buffer.alloc(50, 1)],
  ])("spare what was %s", async (_what, key, bytes) => {
    const { source, target, run, surroundings } = await synced();
    const { properties } = (await target.head("o/0001", UNENDING))!;
    source.remove("o/0001");
    target.remove("o/0001");
    target.put(key, bytes, properties);
    await run({ deletes: DEFAULT_DELETE_RULES });
    surroundings.nowMs += 20 * MINUTE_MS;

    const summary = await run({ deletes: DEFAULT_DELETE_RULES });

    expect(summary.deletes).toMatchObject({ due: 1, deleted: 0, foreign: 1 });
    expect(target.bytesOf(key)).not.toBeNull();
  });

  test.each(["OBJECT_REFUSED", "OBJECT_STORE_DENIED"] as const)(
    "go on past an object that the target may not delete, and say which (%s)",
    async (code) => {
      const { source, target, run, surroundings } = await synced(60);
      for (let index = 0; index < 20; index += 1) source.remove(source.keys()[0]!);
      const locked = new FaultyObjectStore(target, (call, key) => {
        if (call !== "delete" || key !== "o/0000") return "none";
        throw new CloudPhoenixError(code, "a legal hold", { retryable: false, hint: "Lift it." });
      });
      await run({ deletes: ALL_MAY_GO }, { target: locked });
      surroundings.nowMs += 20 * MINUTE_MS;

      const first = await run({ deletes: ALL_MAY_GO }, { target: locked });
      const second = await run({ deletes: ALL_MAY_GO }, { target: locked });

      expect(first).toMatchObject({
        outcome: "failures",
        stoppedBy: null,
        failures: [{ name: "o/0000", code }],
        progress: { failed: 0 },
        deletes: { due: 20, deleted: 19, failed: 1 },
      });
      expect(second.deletes).toMatchObject({ missing: 1, due: 1, deleted: 0, failed: 1 });
      expect(target.keys()).toEqual(["o/0000", ...source.keys()]);
    },
  );

  test("of what a filter leaves out neither happen nor begin to wait anew", async () => {
    const { source, target, run, surroundings } = await synced();
    source.remove("o/0001");
    source.put("hot/a", "1");
    await run({ deletes: DEFAULT_DELETE_RULES });
    surroundings.nowMs += 20 * MINUTE_MS;

    const includes = nameFilter({ include: ["hot/**"] })!;
    const filtered = await run({ deletes: DEFAULT_DELETE_RULES, includes });
    expect(filtered.deletes).toMatchObject({ due: 0, deleted: 0, refused: null });
    expect(target.bytesOf("o/0001")).not.toBeNull();
    const whole = await run({ deletes: DEFAULT_DELETE_RULES });

    expect(whole.deletes).toMatchObject({ due: 1, deleted: 1 });
  });

  test("go on although the source could not hold one of the names", async () => {
    const { source, target, run, surroundings } = await synced();
    const strict = new MemoryObjectStore({ refuses: (key) => key.endsWith("bad.") });
    for (const key of source.keys()) strict.put(key, source.bytesOf(key)!);
    target.put("o/bad.", "x");
    strict.remove("o/0001");
    const deletes = DEFAULT_DELETE_RULES;
    await run({ deletes }, { source: strict });
    surroundings.nowMs += 20 * MINUTE_MS;

    const summary = await run({ deletes }, { source: strict });
    const foreignToo = { ...deletes, onlyStamped: false };
    const asked = await run({ deletes: foreignToo }, { source: strict });

    expect(summary).toMatchObject({ outcome: "done", deletes: { deleted: 1, foreign: 1 } });
    expect(asked).toMatchObject({ outcome: "done", deletes: { deleted: 1, foreign: 0 } });
    expect(target.bytesOf("o/bad.")).toBeNull();
  });

  test.each([
    ["the share", { maxPercent: 10, maxCount: 1_000 }],
    ["the count", { maxPercent: 100, maxCount: 4 }],
  ])("are refused altogether over %s, and the hint names the way", async (_what, limit) => {
    const { source, target, run, surroundings } = await synced();
    for (const index of [1, 2, 3, 4, 5]) source.remove(`o/000${index}`);
    const deletes = { ...DEFAULT_DELETE_RULES, ...limit };
    await run({ deletes });
    surroundings.nowMs += 20 * MINUTE_MS;

    const summary = await run({ deletes });

    expect(summary.outcome).toBe("refused");
    expect(summary.deletes.refused).toMatchObject({
      code: "DELETES_REFUSED",
      message: expect.stringContaining("of 40 objects"),
      hint: expect.stringContaining("--max-delete"),
    });
    expect(target.size).toBe(40);
    expect((await run({ deletes: ALL_MAY_GO })).deletes.deleted).toBe(5);
  });

  test("never follow from an empty source, whatever the last round had seen", async () => {
    const { source, target, run, surroundings } = await synced(0);
    await run({ deletes: ALL_MAY_GO });
    fill(source, 3);
    await run();
    for (const key of source.keys()) source.remove(key);
    for (const _ of [1, 2]) {
      surroundings.nowMs += 20 * MINUTE_MS;
      expect((await run({ deletes: ALL_MAY_GO })).outcome).toBe("refused");
    }
    expect(target.size).toBe(3);
  });

  test("never follow where a filter admits nothing of the source, and that is what is said", async () => {
    const { source, target, run } = await synced(3);
    source.remove("o/0001");
    const { deletes } = await run({
      deletes: ALL_MAY_GO,
      includes: (name) => name.endsWith("0001"),
    });
    expect(deletes.refused?.message).toBe(
      "nothing at the source is admitted by --include and --exclude, the target holds 1 objects. Nothing was deleted",
    );
    expect(target.size).toBe(3);
  });

  test("never follow from a source that is empty where it was not", async () => {
    const { source, target, run, surroundings } = await synced(3);
    for (const key of source.keys()) source.remove(key);
    for (const _ of [1, 2]) {
      surroundings.nowMs += 20 * MINUTE_MS;
      expect(await run({ deletes: ALL_MAY_GO })).toMatchObject({
        outcome: "refused",
        deletes: { deleted: 0, refused: { hint: expect.stringContaining("--allow-empty-source") } },
      });
    }
    expect(target.size).toBe(3);

    await run({ deletes: { ...ALL_MAY_GO, allowEmptySource: true } });
    surroundings.nowMs += 20 * MINUTE_MS;
    await run({ deletes: { ...ALL_MAY_GO, allowEmptySource: true } });
    expect(target.size).toBe(0);
  });

  test("never follow from a listing that failed, however often", async () => {
    const { source, target, run, surroundings } = await synced();
    let pages = 0;
    const broken = new FaultyObjectStore(source, (call) => {
      if (call === "page") pages += 1;
      return call === "page" && pages > 2 ? "fail" : "none";
    });
    for (const _ of [1, 2, 3]) {
      surroundings.nowMs += 60 * MINUTE_MS;
      const summary = await run({ deletes: ALL_MAY_GO }, { source: broken });
      expect(summary).toMatchObject({
        outcome: "stopped",
        stoppedBy: { code: "LISTING_BROKEN" },
        deletes: { deleted: 0 },
      });
    }
    expect(target.size).toBe(40);
    // What the broken rounds noted has left no trace: a good listing has nothing to delete either.
    surroundings.nowMs += 60 * MINUTE_MS;
    expect((await run({ deletes: ALL_MAY_GO })).deletes).toMatchObject({ missing: 0, deleted: 0 });
  });

  test.each([
    ["excluded", { exclude: ["*.tmp"] }],
    ["not included", { include: ["o/0*"] }],
  ])("spare what is %s, at both sides, however long it has been gone", async (_what, patterns) => {
    const { source, target, run, surroundings } = await synced();
    source.put("o/scratch.tmp", "x");
    await run();
    const patternsOnly = nameFilter(patterns);
    if (patternsOnly === undefined) throw new Error("the patterns leave nothing out");
    const filtered = { deletes: ALL_MAY_GO, includes: patternsOnly };
    source.remove("o/scratch.tmp");
    source.remove("o/0001");
    await run(filtered);
    surroundings.nowMs += 20 * MINUTE_MS;

    const summary = await run(filtered);

    expect(summary.deletes).toMatchObject({ missing: 1, due: 1, deleted: 1 });
    expect(target.bytesOf("o/0001")).toBeNull();
    expect(target.bytesOf("o/scratch.tmp")?.toString()).toBe("x");
  });

  test("wait for the copies: a rename whose copy failed keeps the old name", async () => {
    const { source, target, run, surroundings } = await synced();
    source.remove("o/0001");
    await run({ deletes: ALL_MAY_GO });
    surroundings.nowMs += 20 * MINUTE_MS;
    source.put("o/0001-renamed", "1");
    const refusing = new FaultyObjectStore(target, (call, key) =>
      call === "write" && key === "o/0001-renamed" ? "fail" : "none",
    );

    const summary = await run({ deletes: ALL_MAY_GO }, { target: refusing });

    expect(summary).toMatchObject({ outcome: "failures", deletes: { deleted: 0 } });
    expect(target.bytesOf("o/0001")).not.toBeNull();
  });
});

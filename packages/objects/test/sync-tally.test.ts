import { describe, expect, test } from "vitest";
import { SyncTally } from "../src/sync-tally.ts";
import { setup } from "./sync-world.ts";

const MIB = 1024 * 1024;

function tallyOf(
  objects: number,
  bytesEach: number,
): { tally: SyncTally; time: { nowMs: number } } {
  const time = { nowMs: 5_000 };
  const tally = new SyncTally({ now: () => time.nowMs, sleep: () => Promise.resolve() });
  tally.toCopy = objects;
  tally.toCopyBytes = objects * bytesEach;
  return { tally, time };
}

/** Copies so many objects of so many bytes in a second, and looks at the clock. */
function second(
  { tally, time }: ReturnType<typeof tallyOf>,
  objects: number,
  bytesEach: number,
): ReturnType<SyncTally["progress"]> {
  time.nowMs += 1_000;
  tally.copied += objects;
  tally.sentBytes += objects * bytesEach;
  return tally.progress();
}

describe("the pace of a sync", () => {
  test("is that of the last ten seconds, not of the whole run", () => {
    const run = tallyOf(10_000, MIB);
    for (let at = 0; at < 20; at += 1) second(run, 100, MIB);
    let progress = second(run, 10, MIB);
    for (let at = 0; at < 10; at += 1) progress = second(run, 10, MIB);

    expect(progress).toMatchObject({ bytesPerSecond: 10 * MIB, objectsPerSecond: 10 });
    expect(progress.elapsedMs).toBe(31_000);
  });

  test("is not disturbed by being asked for many times a second", () => {
    const run = tallyOf(100, MIB);
    for (let at = 0; at < 5; at += 1) {
      second(run, 4, MIB);
      for (let again = 0; again < 50; again += 1) run.tally.progress();
    }

    expect(run.tally.progress()).toMatchObject({ bytesPerSecond: 4 * MIB, objectsPerSecond: 4 });
  });

  test("foretells no end while the listings go on", () => {
    const run = tallyOf(100, MIB);

    expect(second(run, 10, MIB).remainingMs).toBeNull();
    run.tally.listingComplete = true;
    expect(second(run, 10, MIB).remainingMs).toBe(8_000);
  });

  test("foretells the end by what is slower: many small objects or few large ones", () => {
    const small = tallyOf(1_000, 1);
    small.tally.listingComplete = true;
    small.tally.toCopyBytes = 1_000;
    expect(second(small, 100, 1).remainingMs).toBe(9_000);

    const large = tallyOf(10, 0);
    large.tally.listingComplete = true;
    large.tally.toCopyBytes = 100 * MIB;
    expect(second(large, 5, 2 * MIB).remainingMs).toBe(9_000);
  });

  test("counts what failed, was gone or was there as done", () => {
    const run = tallyOf(4, 0);
    run.tally.listingComplete = true;
    run.tally.failed = 1;
    run.tally.gone = 1;
    run.tally.alreadyThere = 1;
    expect(second(run, 0, 0).remainingMs).toBe(333);
    expect(second(run, 1, 0).remainingMs).toBe(0);
  });

  test("foretells nothing while nothing moves", () => {
    const run = tallyOf(4, MIB);
    run.tally.listingComplete = true;

    expect(second(run, 0, 0)).toMatchObject({ bytesPerSecond: 0, remainingMs: null });
  });

  test("keeps the first hundred failures by name and counts all", () => {
    const { tally } = tallyOf(0, 0);
    for (let at = 0; at < 150; at += 1) {
      tally.fail({ name: String(at), code: "OBJECT_REFUSED", message: "", hint: null });
    }

    expect(tally.progress().failed).toBe(150);
    expect(tally.failures.map(({ name }) => name)).toEqual(
      Array.from({ length: 100 }, (_, at) => String(at)),
    );
  });
});

describe("what is at the target and would be replaced", () => {
  test("is counted apart where no copy of ours left it, or where the listing does not tell", async () => {
    const { source, target, run } = setup();
    for (const key of ["changed", "foreign", "new", "same"]) source.put(key, "1");
    target.put("foreign", "somebody else's");
    await run({ includes: (name) => name === "changed" || name === "same" });
    source.put("changed", "22");
    expect((await run({ dryRun: true })).progress).toMatchObject({
      toCopy: 3,
      same: 1,
      foreign: 1,
      perhapsForeign: 0,
    });
    // The other way round nothing tells: a listing of S3 has no stamps.
    target.put("new", "of the other side");
    source.put("new", "of this side, longer");
    const back = await run({ dryRun: true }, { source: target, target: source });
    expect(back.progress).toMatchObject({ foreign: 0, perhapsForeign: 3 });
    expect(target.bytesOf("foreign")?.toString()).toBe("somebody else's");
  });
});

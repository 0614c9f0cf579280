import { CloudPhoenixError } from "@cloudphoenix/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FaultyObjectStore, type FaultHook } from "@cloudphoenix/testkit";
import {
  type BringRangeOptions,
  bringRange,
  type RangeProgress,
} from "../../src/continuous/bring-range.ts";
import { finalSync, type FinalSyncResult } from "../../src/continuous/final-sync.ts";
import { isInParts } from "../../src/continuous/in-parts.ts";
import type { ChangeHints, ObjectEntry } from "../../src/index.ts";
import { CopyWorld, stale, toolsFor } from "./copy-world.ts";

const NEVER = new AbortController().signal;
let world: CopyWorld;

beforeEach(() => {
  world = new CopyWorld();
});

afterEach(async () => {
  await world.stopAll();
});

/** Stores `count` objects at the source, with names of the same length. */
function fill(count: number): void {
  for (let n = 0; n < count; n += 1) world.source.put(nameOf(n), `v${n}`);
}

const nameOf = (n: number): string => `k${String(n).padStart(5, "0")}`;

interface Faults {
  readonly source?: FaultHook;
  readonly target?: FaultHook;
}

function options({ source: onSource, target: onTarget }: Faults = {}): BringRangeOptions {
  const source = new FaultyObjectStore(world.source, onSource ?? (() => "none"));
  const target = new FaultyObjectStore(world.target, onTarget ?? (() => "none"));
  const { clock, state } = world;
  return {
    source: { store: source, prefix: "" },
    target: { store: target, prefix: "" },
    tools: toolsFor({ source, target, clock, state }),
    range: {},
    inFlight: 4,
    mayReplace: () => false,
    authority: async () => {
      if (world.refusal !== null) throw world.refusal;
    },
  };
}

describe("a range", () => {
  test("is brought over from after its first to its last name, and nothing else", async () => {
    fill(100);
    const range = { after: nameOf(9), upTo: nameOf(19) };
    const done = await bringRange({ ...options(), range }, NEVER);
    expect(world.copies()).toEqual(Array.from({ length: 10 }, (_, n) => nameOf(n + 10)));
    expect(done).toMatchObject({ looked: 10, differing: 10, copied: 10, failed: 0 });
    expect(done.doneUpTo).toBe(nameOf(19));
  });

  test("that was given up half-way is gone on with where nothing is undone, and nothing is lost", async () => {
    fill(3_500);
    const stop = new AbortController();
    let newest: RangeProgress | null = null;
    const onProgress = (progress: RangeProgress): void => {
      newest = progress;
      if (progress.looked >= 2_000) stop.abort();
    };
    const given = bringRange({ ...options(), onProgress }, stop.signal);
    await expect(given).rejects.toMatchObject({ code: "ABORTED" });
    const { doneUpTo } = newest!;
    expect(world.copies().filter((name) => name <= doneUpTo!)).toHaveLength(2_000);
    const rest = await bringRange({ ...options(), range: { after: doneUpTo! } }, NEVER);
    expect(rest.looked).toBe(1_500);
    expect(world.copies()).toHaveLength(3_500);
  });

  test("fails at its end for what can be tried again, and says up to where all is done", async () => {
    fill(2_500);
    let newest: RangeProgress | null = null;
    const target: FaultHook = (call, key) =>
      call === "write" && key === nameOf(1_200) ? "fail" : "none";
    const given = bringRange(
      { ...options({ target }), onProgress: (progress) => (newest = progress) },
      NEVER,
    ).catch((error: unknown) => error);
    await world.clock.runUntil(() => world.copies().length === 2_499, 60_000);
    await world.clock.advance(1_000);
    expect(await given).toMatchObject({ code: "OBJECT_STORE_UNREACHABLE" });
    expect(newest!).toMatchObject({ copied: 2_499, doneUpTo: nameOf(999) });
  });

  test("counts what needs a person and goes on", async () => {
    fill(10);
    world.target.put(nameOf(3), "somebody else's");
    const done = await bringRange(options(), NEVER);
    expect(done).toMatchObject({ copied: 9, failed: 1 });
    expect(done.failures).toMatchObject([{ name: nameOf(3), code: "CONFLICT" }]);
    expect(done.doneUpTo).toBe(nameOf(9));
  });

  test("ends as soon as authority is refused", async () => {
    fill(10);
    world.refusal = stale();
    await expect(bringRange(options(), NEVER)).rejects.toMatchObject({ code: "STALE_GENERATION" });
    expect(world.copies()).toEqual([]);
  });

  test("is not concluded from a listing that failed", async () => {
    fill(2_500);
    let pages = 0;
    const source: FaultHook = (call) => {
      if (call === "page") pages += 1;
      return call === "page" && pages > 1 ? "fail" : "none";
    };
    const given = bringRange(options({ source }), NEVER).catch((error: unknown) => error);
    await world.clock.advance(10_000);
    expect(await given).toMatchObject({ code: "LISTING_BROKEN" });
  });
});

describe("the final synchronisation", () => {
  test("copies what is left and says that everything until its beginning is there", async () => {
    fill(20);
    const markMs = world.clock.now();
    const result = await synchronised();
    expect(result).toMatchObject({ copied: 20, left: 0, stopped: null, complete: true, markMs });
    expect(world.copies()).toHaveLength(20);
  });

  test("leaves what was written at the new site", async () => {
    fill(5);
    world.target.put(nameOf(2), "written at the new site");
    const result = await synchronised();
    expect(world.textAt(nameOf(2))).toBe("written at the new site");
    expect(result).toMatchObject({ copied: 4, left: 1, complete: false, markMs: null });
    expect(result.stopped).toMatchObject({ why: "objects", message: expect.stringContaining("2") });
  });

  test("does not wait for a source that is gone, and claims nothing", async () => {
    fill(5);
    const result = await synchronised({ source: () => "fail" });
    expect(result).toEqual({
      copied: 0,
      bytes: 0,
      left: null,
      stopped: { why: "no-answer", message: expect.stringContaining("503 Slow Down") },
      complete: false,
      markMs: null,
      failures: [],
    });
  });

  test("says of a source that hangs that it does not answer", async () => {
    fill(5);
    const parts = options();
    parts.source.store.head = (_, signal) =>
      new Promise((__, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
    const result = await finalSync({ ...parts, ...LAST, limitMs: 60_000, answerMs: 50 }, NEVER);
    expect(result).toMatchObject({ left: null, stopped: { why: "no-answer", message: null } });
  });

  test("says of a source that refuses what it says", async () => {
    fill(5);
    const parts = options();
    parts.source.store.head = async () => {
      throw new CloudPhoenixError("OBJECT_STORE_DENIED", "no right to read", { retryable: false });
    };
    const result = await finalSync({ ...parts, ...LAST, limitMs: 60_000, answerMs: 1_000 }, NEVER);
    expect(result.stopped).toEqual({ why: "failed", message: "no right to read" });
  });

  test("counts what could not be copied for now among what is left, and says why", async () => {
    fill(20);
    const finishing = synchronised({
      target: (call, key) => (call === "write" && key === nameOf(7) ? "fail" : "none"),
    });
    await world.clock.advance(20_000);
    const result = await finishing;
    expect(result).toMatchObject({ copied: 19, left: 1, complete: false, markMs: null });
    expect(result.stopped).toEqual({ why: "objects", message: expect.stringContaining("503") });
  });

  test("ends at its limit and keeps what it had copied", async () => {
    fill(2_500);
    const hung = Promise.withResolvers<never>();
    const parts = options();
    const list = parts.source.store.list.bind(parts.source.store);
    parts.source.store.list = async function* slow(request, signal) {
      signal.addEventListener("abort", () => hung.reject(signal.reason as Error));
      for await (const page of list(request, signal)) {
        if ((page[0]?.key ?? "") > nameOf(1_500)) await hung.promise;
        yield page;
      }
    };
    const result = await finalSync({ ...parts, ...LAST, limitMs: 300, answerMs: 300 }, NEVER);
    expect(result).toMatchObject({ left: null, complete: false, markMs: null });
    expect(result.stopped).toEqual({ why: "out-of-time", message: null });
    expect(result.copied).toBeGreaterThanOrEqual(1_000);
  });

  test("brings what is known or told to be new however long the walk takes", async () => {
    fill(2_500);
    const hung = Promise.withResolvers<never>();
    const parts = options();
    const list = parts.source.store.list.bind(parts.source.store);
    parts.source.store.list = async function* slow(request, signal) {
      signal.addEventListener("abort", () => hung.reject(signal.reason as Error));
      for await (const page of list(request, signal)) {
        yield page;
        await hung.promise;
      }
    };
    const told = nameOf(2_499);
    const hints: ChangeHints = {
      address: "a queue",
      backlog: async () => ({ messages: 0 }),
      async *batches() {
        const hint = { key: told, kind: "written", sequencer: null, atMs: 0 } as const;
        yield { hints: [hint], setAside: [], done: async () => undefined };
      },
    };
    const known = [nameOf(2_400)];
    const last = { ...LAST, known, hints, limitMs: 400, answerMs: 400 };
    const finishing = finalSync({ ...parts, ...last }, NEVER);
    await world.clock.advance(300);
    expect((await finishing).complete).toBe(false);
    expect([world.textAt(nameOf(2_400)), world.textAt(told)]).not.toContain(null);
    expect(world.textAt(nameOf(2_300))).toBeNull();
  });

  test("does not bring back what was copied before and is deleted at the new site", async () => {
    fill(3);
    const untilMs = world.clock.now();
    await world.clock.advance(1_000);
    world.source.put("later", "1");
    await world.source.putInParts("video", [Buffer.from("perhaps later")], untilMs - 1);
    const copied = async () => (stored: ObjectEntry) =>
      stored.modifiedMs <= untilMs && !isInParts(stored);
    const last = { ...LAST, copied, limitMs: 60_000, answerMs: 1_000 };
    const known = [nameOf(2), "gone meanwhile"];
    const result = await finalSync({ ...options(), ...last, known }, NEVER);
    expect(world.copies()).toEqual([nameOf(2), "later", "video"]);
    expect(result).toMatchObject({ copied: 3, left: 0, complete: true });
  });

  test("does not bring back for a late event what was copied before and is deleted at the new site", async () => {
    fill(2);
    const untilMs = world.clock.now();
    const parts = options();
    const walk = Promise.withResolvers<void>();
    const list = parts.source.store.list.bind(parts.source.store);
    parts.source.store.list = async function* slow(request, signal) {
      await walk.promise;
      yield* list(request, signal);
    };
    const told = Promise.withResolvers<void>();
    const hints: ChangeHints = {
      address: "a queue",
      backlog: async () => ({ messages: 0 }),
      async *batches() {
        const hint = { key: nameOf(1), kind: "written", sequencer: null, atMs: untilMs } as const;
        yield { hints: [hint], setAside: [], done: async () => told.resolve() };
      },
    };
    const copied = async () => (stored: ObjectEntry) => stored.modifiedMs <= untilMs;
    const last = { ...LAST, copied, hints, limitMs: 60_000, answerMs: 1_000 };
    const finishing = finalSync({ ...parts, ...last }, NEVER);
    await told.promise;
    await world.clock.advance(1_000);
    walk.resolve();
    expect(await finishing).toMatchObject({ copied: 0, complete: true });
    expect(world.copies()).toEqual([]);
  });

  test("is refused when the plan is out of date", async () => {
    world.refusal = stale();
    await expect(synchronised()).rejects.toMatchObject({ code: "STALE_GENERATION" });
  });
});

/** Nothing known, and no change events. */
const LAST = {
  known: [],
  copied: async () => () => false,
  hints: null,
  log: () => undefined,
};

function synchronised(faults: Faults = {}): Promise<FinalSyncResult> {
  return finalSync({ ...options(faults), ...LAST, limitMs: 60_000, answerMs: 1_000 }, NEVER);
}

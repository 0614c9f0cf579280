/** What was copied by events after the last mark is known, too, when the other site has become the active one. */
import {
  finalSync,
  type ObjectEntry,
  partingOf,
  readParting,
  SyncState,
} from "@cloudphoenix/objects";
import type { MemoryObjectStore } from "@cloudphoenix/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { copierMemoryKey } from "../../src/continuous/parting.ts";
import { CopyWorld, toolsFor } from "./copy-world.ts";

const NEVER = new AbortController().signal;
const MINUTE = 60_000;
/** Listings of a large store are compared once an hour. */
const HOURLY = { reconcileMinMs: 60 * MINUTE, reconcileMaxMs: 60 * MINUTE };
const DELETES = { delayMs: 5 * MINUTE, maxPercent: 100, maxCount: 100 };
let world: CopyWorld;
let memory: unknown;
let back: SyncState;

beforeEach(() => {
  world = new CopyWorld();
  back = SyncState.open({ path: ":memory:", pair: "standby active" });
});

afterEach(async () => {
  await world.stopAll();
  back.close();
});

/** Copies from site-a to site-b; what is put meanwhile is copied by its event, long after the mark. */
async function followUntilLost(meanwhile: () => void | Promise<void>): Promise<void> {
  const copier = world.copier({ limits: HOURLY });
  const running = world.start(copier);
  // Events that never fall silent: nothing but the clock asks for a comparison.
  for (let n = 0; n < 30; n += 1) {
    world.hint(".cloudphoenix/canary");
    await world.clock.advance(10_000);
  }
  await meanwhile();
  for (const key of world.source.keys()) world.hint(key);
  await world.clock.advance(10_000);
  memory = copier.memory();
  await running.stop();
  expect(world.clock.now() - copier.memory().copied!.untilMs).toBeGreaterThan(4 * MINUTE);
}

/** What site-a may lose, as a process tells that knows what is kept only. */
function partsOfA(): Parameters<typeof partingOf>[0] {
  return {
    application: "shop",
    site: "site-a",
    followedBy: "site-b",
    place: { store: world.source, prefix: "" },
    copiedVersions: world.copiedVersions,
    facts: {
      get: async (key) =>
        key === copierMemoryKey("shop", "site-b") ? JSON.parse(JSON.stringify(memory)) : null,
      put: async () => undefined,
    },
  };
}

/** Copies from site-b to site-a, which has returned. */
async function failBack(minutes: number): Promise<ReturnType<CopyWorld["copier"]>> {
  const [source, target] = [world.target, world.source];
  const mayReplace = await partingOf(partsOfA(), NEVER);
  const copier = world.copier({
    limits: { deletes: DELETES },
    more: {
      from: "site-b",
      to: "site-a",
      source: { store: source, prefix: "" },
      target: { store: target, prefix: "" },
      hints: null,
      tools: toolsFor({ source, target, clock: world.clock, state: back }),
      tombstones: back.tombstones,
      mayReplace,
    },
  });
  world.start(copier);
  await world.clock.advance(minutes * MINUTE);
  return copier;
}

/** The last copy from site-a before site-b opened, a little late. */
function lastCopy(): ReturnType<typeof finalSync> {
  const [source, target] = [world.source, world.target];
  return finalSync(
    {
      source: { store: source, prefix: "" },
      target: { store: target, prefix: "" },
      tools: toolsFor({ source, target, clock: world.clock, state: back }),
      inFlight: 4,
      authority: async () => undefined,
      mayReplace: () => false,
      limitMs: 60_000,
      answerMs: 60_000,
      known: [],
      copied: (signal) => readParting(partsOfA(), signal),
      hints: null,
      log: () => undefined,
    },
    NEVER,
  );
}

function namesOf(store: MemoryObjectStore): readonly string[] {
  return store.keys().filter((key) => !key.startsWith(".cloudphoenix/"));
}

describe("an object that was copied by an event after the last mark", () => {
  beforeEach(async () => {
    world.source.put("old", "1");
    await followUntilLost(() => {
      world.source.put("receipt", "copied by its event");
      world.source.put("kept", "copied by its event, too");
    });
  });

  test("and deleted at the new site is not brought back by the last copy of the move", async () => {
    world.target.remove("receipt");
    world.source.put("late", "never copied");
    expect(await lastCopy()).toMatchObject({ copied: 1, complete: true });
    expect(world.copies()).toEqual(["kept", "late", "old"]);
  });

  test("and deleted at the new site is deleted at the site that returned", async () => {
    world.target.remove("receipt");
    const copier = await failBack(20);
    expect(namesOf(world.source)).toEqual(["kept", "old"]);
    expect(copier.facts()).toMatchObject({ deleted: 1, failed: 0 });
  });

  test("and changed at the new site is changed at the site that returned", async () => {
    world.target.put("receipt", "changed by a user");
    await failBack(3);
    expect(world.source.bytesOf("receipt")?.toString()).toBe("changed by a user");
  });
});

describe("an object that exists at the returned site alone", () => {
  test("because nobody copied it, is neither deleted nor replaced", async () => {
    world.source.put("old", "1");
    await followUntilLost(() => void world.source.put("receipt", "copied"));
    world.source.put("only here", "nobody copied it");
    world.source.put("receipt", "stored anew, and nobody copied that");
    world.target.put("only here, other", "of the new site");
    const copier = await failBack(20);
    expect(world.source.bytesOf("only here")?.toString()).toBe("nobody copied it");
    expect(world.source.bytesOf("receipt")?.toString()).toBe("stored anew, and nobody copied that");
    expect(copier.facts().deleted).toBe(0);
    const failures = copier.facts().failures.map(({ key, code }) => `${key}: ${code}`);
    expect(failures.toSorted()).toEqual(["only here: CONFLICT", "receipt: CONFLICT"]);
  });

  test("because the same bytes were stored anew after both were deleted, is not deleted", async () => {
    world.source.put("old", "1");
    await followUntilLost(() => void world.source.put("receipt", "the same"));
    // Deleted at both sites, and stored again under the same ETag right before the site was lost.
    world.target.remove("receipt");
    world.source.remove("receipt");
    await world.clock.advance(MINUTE);
    world.source.put("receipt", "the same");
    await failBack(20);
    expect(namesOf(world.source)).toEqual(["old", "receipt"]);
  });

  test("because the copy was deleted with it and it was brought back, is not deleted", async () => {
    world.source.put("old", "1");
    let original: ObjectEntry | null = null;
    const copier = world.copier({ limits: { deletes: { ...DELETES, delayMs: 0 } } });
    const running = world.start(copier);
    await world.clock.advance(MINUTE);
    world.source.put("receipt", "the same");
    world.hint("receipt");
    await world.clock.advance(5_000);
    original = await world.source.head("receipt", NEVER);
    expect(await world.copiedVersions.of("site-a")).toContainEqual(
      expect.objectContaining({ name: "receipt", etag: original?.etag }),
    );
    world.source.remove("receipt");
    await world.clock.advance(3 * MINUTE);
    expect(world.copies()).toEqual(["old"]);
    await running.stop();
    // An undelete gives back the version that was copied once, with its ETag and its time.
    const known = (await world.copiedVersions.of("site-a")).map(({ name }) => name);
    expect(known).not.toContain("receipt");
  });
});

describe("an object that S3 got in parts", () => {
  test("gives way after a restart of whoever copied it, because what it was is kept", async () => {
    const beganMs = world.clock.now();
    world.source.put("old", "1");
    await followUntilLost(async () => {
      await world.source.putInParts("video", [Buffer.from("copied")], beganMs);
      await world.source.putInParts("film", [Buffer.from("copied, too")], beganMs);
    });
    world.target.remove("video");
    world.target.put("film", "cut anew");
    await world.source.putInParts("only here", [Buffer.from("nobody copied it")], beganMs);
    const copier = await failBack(20);
    expect(namesOf(world.source)).toEqual(["film", "old", "only here"]);
    expect(world.source.bytesOf("film")?.toString()).toBe("cut anew");
    expect(copier.facts().failures).toMatchObject([{ key: "only here", code: "CONFLICT" }]);
  });

  test("stays known however many marks have passed", async () => {
    await world.source.putInParts("video", [Buffer.from("copied")], world.clock.now());
    world.source.put("plain", "1");
    const running = world.start(world.copier());
    await world.clock.advance(10 * MINUTE);
    await running.stop();
    const known = await world.copiedVersions.of("site-a");
    expect(known.map(({ name }) => name)).toEqual(["video"]);
  });
});

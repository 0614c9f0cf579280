/** What we keep in a store ourselves is nobody's object: not compared, not copied, not deleted. */
import { describe, expect, test } from "vitest";
import {
  bringRange,
  CANARY_NAME,
  DEFAULT_DELETE_RULES,
  finalSync,
  type ObjectPlace,
  verifyObjects,
} from "@cloudphoenix/objects";
import type { MemoryObjectStore } from "@cloudphoenix/testkit";
import { hurriedSurroundings, placeOf, toolsFor, UNENDING } from "./setup.ts";
import { setup } from "./sync-world.ts";

const NESTED = `app/${CANARY_NAME}`;
const CANARIES = [CANARY_NAME, NESTED];

/** Both sides have canaries of their own, as sites have that are followed. */
function followed(): ReturnType<typeof setup> {
  const world = setup();
  for (const key of CANARIES) {
    world.source.put(key, "the active site's");
    world.target.put(key, "the standby's, older");
  }
  return world;
}

function canariesOf(store: MemoryObjectStore): readonly (string | undefined)[] {
  return CANARIES.map((key) => store.bytesOf(key)?.toString());
}

describe("the canary of a place, or of a place within it", () => {
  test("is no difference and none of the objects that a verification counts", async () => {
    const { source, target } = followed();
    source.put("a", "1");
    target.put("a", "1");
    source.put("b/.cloudphoenix/notes", "somebody's");
    const summary = await verifyObjects({
      source: placeOf(source),
      target: placeOf(target),
      surroundings: hurriedSurroundings(),
      signal: UNENDING,
    });
    expect(summary.differences.map(({ name }) => name)).toEqual(["b/.cloudphoenix/notes"]);
    expect(summary.progress.looked).toBe(2);
  });

  test.each([true, false])("is not copied (dry run: %s)", async (dryRun) => {
    const { source, target, run } = followed();
    source.put("a", "1");
    const summary = await run({ dryRun });
    expect(summary.progress).toMatchObject({ sourceObjects: 1, targetObjects: 0, toCopy: 1 });
    expect(canariesOf(target)).toEqual(["the standby's, older", "the standby's, older"]);
  });

  test("is not deleted, whatever may be deleted", async () => {
    const { source, target, run } = followed();
    source.put("a", "1");
    target.put("b", "2");
    for (const key of CANARIES) source.remove(key);
    const deletes = { ...DEFAULT_DELETE_RULES, delayMs: 0, maxPercent: 100, onlyStamped: false };
    const summary = await run({ deletes });
    expect(summary.deletes).toMatchObject({ missing: 1, deleted: 1 });
    expect(target.keys()).toEqual([CANARY_NAME, "a", NESTED].toSorted());
  });

  test("does not make a source that is empty seem to hold something", async () => {
    const { target, run } = followed();
    target.put("b", "2");
    const summary = await run({ deletes: { ...DEFAULT_DELETE_RULES, maxPercent: 100 } });
    expect(summary.deletes.refused?.message).toContain("the source is empty");
  });

  test("is left where it is by a range and by the last copy of a move, also if it was told of", async () => {
    const { source, target } = followed();
    source.put("a", "1");
    const [from, to]: ObjectPlace[] = [placeOf(source), placeOf(target)];
    const copy = {
      source: from!,
      target: to!,
      tools: toolsFor(source, target),
      inFlight: 2,
      authority: async () => undefined,
      mayReplace: () => true,
    };
    expect(await bringRange({ ...copy, range: {} }, UNENDING)).toMatchObject({
      looked: 1,
      copied: 1,
    });
    const last = {
      ...copy,
      limitMs: 60_000,
      answerMs: 60_000,
      known: [...CANARIES, ""],
      copied: async () => () => false,
      hints: null,
      log: () => undefined,
    };
    expect(await finalSync(last, UNENDING)).toMatchObject({ copied: 0, complete: true });
    expect(canariesOf(target)).toEqual(["the standby's, older", "the standby's, older"]);
  });
});

import { CloudPhoenixError, type ErrorCode } from "@cloudphoenix/core";
import type { FaultHook } from "@cloudphoenix/testkit";
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

/** Refuses to delete `held` as long as it answers true. */
function refusing(code: ErrorCode, isHeld: () => boolean): FaultHook {
  return (call, key) => {
    if (call !== "delete" || key !== "held" || !isHeld()) return "none";
    throw new CloudPhoenixError(code, "there is a legal hold on it", { retryable: false });
  };
}

describe.each(["OBJECT_REFUSED", "OBJECT_STORE_DENIED"] as const)(
  "an object that the standby may not delete (%s)",
  (code) => {
    test("keeps no other from being deleted, and is said until it is gone", async () => {
      for (const key of ["a", "b", "held", "z"]) world.source.put(key, key);
      let isHeld = true;
      const deletes = { delayMs: DELAY, maxPercent: 100, maxCount: 100 };
      const targetFaults = refusing(code, () => isHeld);
      const copier = world.copier({ limits: { deletes }, targetFaults });
      world.start(copier);
      await world.clock.advance(1_000);
      for (const key of ["a", "held", "z"]) world.source.remove(key);
      await world.clock.advance(2 * DELAY);

      expect(world.copies()).toEqual(["b", "held"]);
      expect(copier.facts()).toMatchObject({
        deleted: 2,
        failed: 1,
        // It is at the standby, so nothing stays behind.
        needPerson: 0,
        failures: [{ key: "held", code, retried: false }],
        deletesHeldBack: expect.stringContaining("refuses to delete one object"),
      });
      expect(world.said.filter((line) => line.startsWith("held is not deleted"))).toHaveLength(1);

      isHeld = false;
      await world.clock.advance(2 * 60_000);
      expect(world.copies()).toEqual(["b"]);
      expect(copier.facts()).toMatchObject({ deleted: 3, failed: 0, deletesHeldBack: null });
    });

    test("is forgotten once somebody else has deleted it", async () => {
      for (const key of ["b", "held"]) world.source.put(key, key);
      const copier = world.copier({ targetFaults: refusing(code, () => true) });
      world.start(copier);
      await world.clock.advance(1_000);
      world.source.remove("held");
      await world.clock.advance(2 * DELAY);
      expect(copier.facts().failed).toBe(1);
      world.target.remove("held");
      await world.clock.advance(2 * 60_000);
      expect(copier.facts()).toMatchObject({ failed: 0, deletesHeldBack: null });
    });
  },
);

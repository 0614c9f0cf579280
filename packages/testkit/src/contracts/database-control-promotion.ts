/** The part of the contract about making a standby the primary. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type { SiteId } from "@cloudphoenix/core";
import type { DatabaseState, Promotion } from "@cloudphoenix/engine";
import { describe, expect, test } from "vitest";
import { type CurrentDatabases, FOREVER, LSN, REFUSED, STALE } from "./database-control-harness.ts";

/** Declares the tests. */
export function promotionTests(current: CurrentDatabases): void {
  const read = (site: SiteId): Promise<DatabaseState> => current().control.inspect(site, FOREVER);
  const promote = (generation: number): Promise<Promotion> => {
    const { control, sites } = current();
    return control.promote(sites[1], sites[0], generation, FOREVER);
  };

  describe("a promotion", () => {
    test("makes the standby active, keeps the position, and lets nobody write before it is told to", async () => {
      const { control, sites, write } = current();
      const [active, standby] = sites;
      const old = await read(active);
      const promotion = await promote(2);
      expect(promotion).toMatchObject({
        site: standby,
        appliedLsn: expect.stringMatching(LSN),
        reverseSlot: expect.stringMatching(/./),
        alreadyDone: false,
      });
      expect(await read(standby)).toMatchObject({
        role: "active",
        generation: 2,
        writesOpen: false,
        durability: "async",
      });
      expect(await write(standby)).toBe(false);
      expect(await read(active)).toEqual(old);
      await control.openWrites(standby, 2, FOREVER);
      expect(await read(standby)).toMatchObject({ generation: 2, writesOpen: true });
      expect(await write(standby)).toBe(true);
    });

    test("keeps what had arrived, and takes nothing more from the old primary", async () => {
      const { control, sites, write, count, clock } = current();
      const [active, standby] = sites;
      await write(active);
      await control.closeWrites(active, 1, FOREVER);
      await control.drain(active, standby, FOREVER);
      await promote(2);
      await control.openWrites(active, 1, FOREVER);
      expect(await write(active)).toBe(true);
      await clock.sleep(200);
      expect([await count(active), await count(standby)]).toEqual([2, 1]);
    });

    test("repeated, by anybody and for a newer generation, tells the same and closes nothing", async () => {
      const { control, another, sites, write } = current();
      const [active, standby] = sites;
      const first = await promote(2);
      const again = { ...first, alreadyDone: true };
      expect(await promote(2)).toEqual(again);
      expect(await read(standby)).toMatchObject({ writesOpen: false });
      await control.openWrites(standby, 2, FOREVER);
      expect(await another.promote(standby, active, 3, FOREVER)).toEqual(again);
      expect(await read(standby)).toMatchObject({
        role: "active",
        generation: 3,
        writesOpen: true,
      });
      expect(await write(standby)).toBe(true);
      await expect(promote(2)).rejects.toMatchObject(STALE);
    });

    test("asked for by two at once happens once", async () => {
      const { control, another, sites } = current();
      const [active, standby] = sites;
      const promotions = await Promise.all(
        [control, another].map((one) => one.promote(standby, active, 2, FOREVER)),
      );
      expect(promotions.filter(({ alreadyDone }) => alreadyDone)).toHaveLength(1);
      const [one, two] = promotions;
      expect({ ...one, alreadyDone: false }).toEqual({ ...two, alreadyDone: false });
    });

    test("works at a standby that was fenced", async () => {
      const { control, sites } = current();
      const [, standby] = sites;
      await control.fence(standby, 2, FOREVER);
      expect(await promote(3)).toMatchObject({ alreadyDone: false });
      expect(await read(standby)).toMatchObject({
        role: "active",
        generation: 3,
        writesOpen: false,
      });
    });

    test("is refused while the copy is incomplete, and the site stays a standby", async () => {
      const { sites, spoilCopy } = current();
      await spoilCopy();
      await expect(promote(2)).rejects.toMatchObject(REFUSED);
      expect(await read(sites[1])).toMatchObject({ role: "standby", writesOpen: false });
    });

    test("is refused from a site that it does not follow", async () => {
      const { control, sites, write } = current();
      const [active, standby] = sites;
      for (const [site, from] of [
        [active, standby],
        [standby, standby],
        [standby, "elsewhere"],
      ] as const) {
        await expect(control.promote(site, from, 2, FOREVER)).rejects.toMatchObject(REFUSED);
      }
      expect(await read(active)).toMatchObject({ role: "active", writesOpen: true });
      expect(await read(standby)).toMatchObject({ role: "standby", writesOpen: false });
      expect(await write(active)).toBe(true);
      expect(await promote(2)).toMatchObject({ alreadyDone: false });
    });

    test("is refused from another site than the one it was promoted from", async () => {
      const { control, sites } = current();
      const [, standby] = sites;
      await promote(2);
      const other = control.promote(standby, "elsewhere", 2, FOREVER);
      await expect(other).rejects.toMatchObject(REFUSED);
      expect(await read(standby)).toMatchObject({ role: "active", generation: 2 });
    });

    test("is refused once the promoted site was fenced: others may have moved on", async () => {
      const { control, sites } = current();
      const [, standby] = sites;
      await promote(2);
      await control.fence(standby, 3, FOREVER);
      await expect(promote(4)).rejects.toMatchObject(REFUSED);
      expect(await read(standby)).toMatchObject({ role: "fenced", writesOpen: false });
    });
  });
}

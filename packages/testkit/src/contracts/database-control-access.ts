/** The part of the contract about what a database says of itself, fences, and open writes. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type { SiteId } from "@cloudphoenix/core";
import type { DatabaseState } from "@cloudphoenix/engine";
import { describe, expect, test } from "vitest";
import {
  changesFor,
  type CurrentDatabases,
  failureOf,
  FOREVER,
  REFUSED,
  STALE,
} from "./database-control-harness.ts";

/** Declares the tests. */
export function accessTests(current: CurrentDatabases): void {
  const read = (site: SiteId): Promise<DatabaseState> => current().control.inspect(site, FOREVER);
  const both = async (): Promise<readonly DatabaseState[]> =>
    Promise.all(current().sites.map((site) => read(site)));

  describe("a look", () => {
    test("says what each site is, and says of writes what the application finds", async () => {
      const [active, standby] = current().sites;
      expect(await read(active)).toMatchObject({
        site: active,
        role: "active",
        generation: 1,
        writesOpen: true,
        durability: "async",
        version: expect.stringMatching(/^\d+/),
      });
      expect(await read(standby)).toMatchObject({
        site: standby,
        role: "standby",
        generation: 1,
        writesOpen: false,
      });
      expect(await current().write(active)).toBe(true);
      expect(await current().write(standby)).toBe(false);
    });
  });

  describe("a fence", () => {
    test("refuses writes, is read back, and changes nothing at the other site", async () => {
      const { control, another, sites, write } = current();
      const [active, standby] = sites;
      const other = await read(standby);
      expect(await control.fence(active, 2, FOREVER)).toMatchObject({
        means: "database",
        degree: "confirmed",
        detail: expect.stringMatching(/./),
      });
      expect(await another.inspect(active, FOREVER)).toMatchObject({
        role: "fenced",
        generation: 2,
        writesOpen: false,
      });
      expect(await write(active)).toBe(false);
      expect(await read(standby)).toEqual(other);
    });

    test("again, by anybody, proves the same and changes nothing", async () => {
      const { control, another, sites, write } = current();
      const [active] = sites;
      await control.fence(active, 2, FOREVER);
      const before = await read(active);
      expect(await another.fence(active, 2, FOREVER)).toMatchObject({ degree: "confirmed" });
      expect(await read(active)).toEqual(before);
      expect(await write(active)).toBe(false);
    });

    test("taken back by its own generation, twice, gives the site back whole", async () => {
      const { control, sites, write } = current();
      const [active] = sites;
      await control.fence(active, 2, FOREVER);
      await control.unfence(active, 2, FOREVER);
      await control.unfence(active, 2, FOREVER);
      expect(await read(active)).toMatchObject({
        role: "active",
        generation: 2,
        writesOpen: true,
      });
      expect(await write(active)).toBe(true);
    });

    test("is taken back by a newer generation, too, which then counts", async () => {
      const { control, sites, write } = current();
      const [active] = sites;
      await control.fence(active, 2, FOREVER);
      await control.unfence(active, 3, FOREVER);
      expect(await read(active)).toMatchObject({ role: "active", generation: 3 });
      await expect(control.fence(active, 2, FOREVER)).rejects.toMatchObject(STALE);
      expect(await write(active)).toBe(true);
    });

    test("that comes after the undo of its plan is refused, although it came to nothing before", async () => {
      const { control, another, sites, write } = current();
      const [active, standby] = sites;
      for (const site of [active, standby]) {
        await control.unfence(site, 3, FOREVER);
        await expect(another.fence(site, 2, FOREVER)).rejects.toMatchObject(STALE);
      }
      expect(await read(active)).toMatchObject({ role: "active", writesOpen: true });
      expect(await read(standby)).toMatchObject({ role: "standby", writesOpen: false });
      expect(await write(active)).toBe(true);
    });

    test("of a standby leaves a standby that refuses writes once it is taken back", async () => {
      const { control, sites, write } = current();
      const [, standby] = sites;
      expect(await control.fence(standby, 2, FOREVER)).toMatchObject({ degree: "confirmed" });
      expect(await read(standby)).toMatchObject({ role: "fenced", writesOpen: false });
      await control.unfence(standby, 2, FOREVER);
      expect(await read(standby)).toMatchObject({ role: "standby", writesOpen: false });
      expect(await write(standby)).toBe(false);
    });
  });

  describe("writes", () => {
    test("close and open again, twice each, and the site stays what it is", async () => {
      const { control, another, sites, write } = current();
      const [active] = sites;
      await control.closeWrites(active, 2, FOREVER);
      await another.closeWrites(active, 2, FOREVER);
      expect(await read(active)).toMatchObject({
        role: "active",
        generation: 2,
        writesOpen: false,
      });
      expect(await write(active)).toBe(false);
      await control.openWrites(active, 2, FOREVER);
      await another.openWrites(active, 2, FOREVER);
      expect(await read(active)).toMatchObject({ role: "active", writesOpen: true });
      expect(await write(active)).toBe(true);
    });

    test("never open at a site that was not promoted, nor at a fenced one, and nothing changes", async () => {
      const { control, sites, write } = current();
      const [active, standby] = sites;
      await control.fence(active, 2, FOREVER);
      const before = await both();
      for (const site of sites) {
        await expect(control.openWrites(site, 5, FOREVER)).rejects.toMatchObject(REFUSED);
      }
      expect(await both()).toEqual(before);
      expect([await write(active), await write(standby)]).toEqual([false, false]);
    });

    test("stay closed if they are closed at a standby", async () => {
      const { control, sites } = current();
      const [, standby] = sites;
      await control.closeWrites(standby, 2, FOREVER);
      expect(await read(standby)).toMatchObject({ role: "standby", writesOpen: false });
    });
  });

  describe("an older generation", () => {
    test("is refused by everything that changes something, and nothing changes", async () => {
      const { control, another, sites } = current();
      await control.fence(sites[0], 5, FOREVER);
      await control.fence(sites[1], 5, FOREVER);
      const before = await both();
      for (const [what, change] of Object.entries(changesFor(another, sites, 4, FOREVER))) {
        expect([what, await failureOf(change())]).toEqual([what, STALE]);
      }
      expect(await both()).toEqual(before);
    });

    test("loses against a fence that comes at the same time", async () => {
      const { control, another, sites, write } = current();
      const [active] = sites;
      await control.closeWrites(active, 2, FOREVER);
      await Promise.allSettled([
        another.openWrites(active, 2, FOREVER),
        control.fence(active, 3, FOREVER),
      ]);
      expect(await read(active)).toMatchObject({
        role: "fenced",
        generation: 3,
        writesOpen: false,
      });
      expect(await write(active)).toBe(false);
    });
  });
}

/** The part of the contract about the lease of a site, where there is one. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import { describe, expect, test } from "vitest";
import { FOREVER, type LeasedHarness } from "./database-control-harness.ts";

/** Declares the tests. */
export function leaseTests(current: () => LeasedHarness): void {
  describe("a lease", () => {
    test("ends with a fence: taken back, the site writes only once it is leased anew", async () => {
      const { control, sites, write, grantLease } = current();
      const [active] = sites;
      expect(await write(active)).toBe(true);
      await control.fence(active, 2, FOREVER);
      await control.unfence(active, 2, FOREVER);
      expect(await control.inspect(active, FOREVER)).toMatchObject({ writesOpen: true });
      expect(await write(active)).toBe(false);
      await grantLease(active, 2);
      expect(await write(active)).toBe(true);
    });

    test("is not there after a promotion: whoever opens the site has to grant one", async () => {
      const { control, sites, write, grantLease } = current();
      const [active, standby] = sites;
      await control.promote(standby, active, 2, FOREVER);
      await control.openWrites(standby, 2, FOREVER);
      expect(await write(standby)).toBe(false);
      await grantLease(standby, 2);
      expect(await write(standby)).toBe(true);
    });

    test("outlives writes that are closed and opened", async () => {
      const { control, sites, write } = current();
      const [active] = sites;
      await control.closeWrites(active, 1, FOREVER);
      expect(await write(active)).toBe(false);
      await control.openWrites(active, 1, FOREVER);
      expect(await write(active)).toBe(true);
    });
  });
}

/** The part of the contract about draining, and about bounding and measuring a loss. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import { describe, expect, test } from "vitest";
import {
  CONFLICT,
  type CurrentDatabases,
  eventually,
  failureOf,
  FOREVER,
  LSN,
} from "./database-control-harness.ts";

/** More than any implementation adds to a bound for the time between two heartbeats. */
const UNSEEN_MS = 1_200;

/** Long enough for heartbeats to go to the new primary. */
const HEARTBEATS_MS = 2_000;

/** Declares the tests. */
export function lossTests(current: CurrentDatabases): void {
  /** One transaction at the active site, applied at the standby. */
  async function shared(): Promise<void> {
    const { sites, write, count, clock } = current();
    const [active, standby] = sites;
    expect(await write(active)).toBe(true);
    await eventually(clock, async () => (await count(standby)) === (await count(active)));
  }

  describe("a drain", () => {
    test("is refused while writes are open: there is no end to wait for", async () => {
      const { control, sites } = current();
      await expect(control.drain(...sites, FOREVER)).rejects.toMatchObject(CONFLICT);
    });

    test("returns once the standby has everything, however often it is asked", async () => {
      const { control, another, sites, write, count } = current();
      const [active, standby] = sites;
      for (let writes = 0; writes < 3; writes += 1) await write(active);
      await control.fence(active, 2, FOREVER);
      const { lsn } = await control.drain(active, standby, FOREVER);
      expect(lsn).toMatch(LSN);
      expect([await count(active), await count(standby)]).toEqual([3, 3]);
      await another.drain(active, standby, FOREVER);
    });

    test("waits for a standby that is behind", async () => {
      const { control, sites, write, count, clock, part, meet } = current();
      const [active, standby] = sites;
      await part();
      await write(active);
      await control.fence(active, 2, FOREVER);
      const draining = control.drain(active, standby, FOREVER);
      const waited = clock.sleep(300).then(() => "still waiting");
      expect(await Promise.race([draining, waited])).toBe("still waiting");
      expect(await count(standby)).toBe(0);
      await meet();
      await draining;
      expect(await count(standby)).toBe(1);
    });

    test("gives up when it is told to", async () => {
      const { control, sites, write, clock, part } = current();
      const [active, standby] = sites;
      await part();
      await write(active);
      await control.fence(active, 2, FOREVER);
      const stop = new AbortController();
      const draining = failureOf(control.drain(active, standby, stop.signal));
      await clock.sleep(100);
      stop.abort();
      expect(await draining).toMatchObject({ code: "ABORTED" });
    });

    test("does not wait for a site that does not follow", async () => {
      const { control, sites } = current();
      const [active, standby] = sites;
      const draining = control.drain(standby, active, FOREVER);
      await expect(draining).rejects.toMatchObject({
        code: "REPLICATION_BROKEN",
        retryable: false,
      });
    });
  });

  describe("the bound of a loss", () => {
    test("is told without the old primary, and covers everything that is missing", async () => {
      const { control, sites, write, clock, beat, part, crash } = current();
      const [active, standby] = sites;
      await beat();
      await shared();
      await part();
      const partedMs = clock.now();
      await clock.sleep(400);
      expect(await write(active)).toBe(true);
      await beat();
      await crash(active);
      const bound = await control.lossBound(active, standby, FOREVER);
      const { completeUntilMs, lastAliveAtMs, boundMs, appliedLsn } = bound;
      expect(completeUntilMs).toBeLessThanOrEqual(partedMs);
      expect(lastAliveAtMs).toBeGreaterThanOrEqual(partedMs + 400);
      expect(boundMs).toBeGreaterThanOrEqual((lastAliveAtMs ?? 0) - (completeUntilMs ?? 0));
      expect(appliedLsn).toMatch(LSN);
    });

    test("told by who has seen no heartbeat reaches up to now, and is an upper bound all the same", async () => {
      const { control, another, sites, clock, beat, part, crash } = current();
      const [active, standby] = sites;
      await beat();
      await part();
      await clock.sleep(UNSEEN_MS);
      await beat();
      await crash(active);
      const known = await control.lossBound(active, standby, FOREVER);
      const { completeUntilMs, boundMs } = await another.lossBound(active, standby, FOREVER);
      expect(completeUntilMs).toBe(known.completeUntilMs);
      expect(boundMs).toBeGreaterThanOrEqual(UNSEEN_MS);
    });

    test("does not grow once the writers are proven to have stopped", async () => {
      const { control, sites, clock, beat, part } = current();
      const [active, standby] = sites;
      await beat();
      await part();
      await control.fence(active, 2, FOREVER);
      await beat();
      const { boundMs } = await control.lossBound(active, standby, FOREVER);
      expect(boundMs).not.toBeNull();
      await clock.sleep(700);
      await beat();
      const later = await control.lossBound(active, standby, FOREVER);
      expect(later.boundMs).toBe(boundMs);
    });

    test("is still told after the promotion, as it was then", async () => {
      const { control, sites, write, clock, beat, crash } = current();
      const [active, standby] = sites;
      await beat();
      await shared();
      await crash(active);
      const before = await control.lossBound(active, standby, FOREVER);
      const { appliedLsn } = await control.promote(standby, active, 2, FOREVER);
      await control.openWrites(standby, 2, FOREVER);
      expect(await write(standby)).toBe(true);
      await clock.sleep(HEARTBEATS_MS);
      const after = await control.lossBound(active, standby, FOREVER);
      expect(after.appliedLsn).toBe(appliedLsn);
      expect(after.completeUntilMs).toBeGreaterThanOrEqual(before.completeUntilMs ?? 0);
      expect(after.completeUntilMs).toBeLessThanOrEqual(after.lastAliveAtMs ?? 0);
      expect(after.boundMs).toBeLessThanOrEqual(before.boundMs ?? 0);
    });
  });

  describe("a loss", () => {
    test("is not measured while the site takes writes", async () => {
      const { control, sites } = current();
      const [active, standby] = sites;
      const { appliedLsn } = await control.promote(standby, active, 2, FOREVER);
      const measuring = control.measureLoss(active, appliedLsn ?? "", FOREVER);
      await expect(measuring).rejects.toMatchObject(CONFLICT);
    });

    test("is measured exactly, as often as anybody asks", async () => {
      const { control, another, sites, write, part, meet } = current();
      const [active, standby] = sites;
      await shared();
      await part();
      await write(active);
      await write(active);
      const { appliedLsn } = await control.promote(standby, active, 2, FOREVER);
      await control.openWrites(standby, 2, FOREVER);
      await write(standby);
      await meet();
      await control.fence(active, 2, FOREVER);
      const report = await control.measureLoss(active, appliedLsn ?? "", FOREVER);
      expect(report).toMatchObject({ transactions: 2, truncated: false });
      expect(sumOf(Object.values(report.rowsByTable))).toBe(2);
      expect(new Set(Object.values(report.keysByTable).flat()).size).toBe(2);
      expect(report.rpoMs).toBeGreaterThanOrEqual(0);
      expect(await another.measureLoss(active, appliedLsn ?? "", FOREVER)).toEqual(report);
    });

    test("is none after a drain", async () => {
      const { control, sites, write } = current();
      const [active, standby] = sites;
      await write(active);
      await control.fence(active, 2, FOREVER);
      await control.drain(active, standby, FOREVER);
      const { appliedLsn } = await control.promote(standby, active, 2, FOREVER);
      expect(await control.measureLoss(active, appliedLsn ?? "", FOREVER)).toEqual({
        transactions: 0,
        rowsByTable: {},
        keysByTable: {},
        truncated: false,
        rpoMs: 0,
      });
    });
  });
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}

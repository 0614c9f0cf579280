/** What every lease in a site's database must do, as tests. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type { SiteLease, SiteLeaseState } from "@cloudphoenix/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

export interface SiteLeaseHarness {
  readonly lease: SiteLease;
  /** Makes the site what a plan would have made it, whatever it was. */
  become(role: SiteLeaseState["role"], epoch: number): Promise<void>;
  /** The lease of the site is over, a moment ago, whatever its role. */
  lapse(): Promise<void>;
  stop(): Promise<void>;
}

export interface SiteLeaseContract {
  /** Name of the implementation, printed with every test. */
  readonly name: string;
  /** A site that is active at `epoch`, has a lease for minutes, and has promised nothing. */
  readonly setup: (epoch: number) => Promise<SiteLeaseHarness>;
}

const EPOCH = 7;
const FOREVER = new AbortController().signal;
const STALE = { code: "STALE_GENERATION", retryable: false };
const REFUSED = { code: "PROMISE_REFUSED", retryable: false };

/** Declares the suite for one implementation. */
export function describeSiteLease({ name, setup }: SiteLeaseContract): void {
  describe(`site lease ${name}`, () => {
    let harness: SiteLeaseHarness;

    beforeEach(async () => {
      harness = await setup(EPOCH);
    });

    afterEach(async () => {
      await harness.stop();
    });

    const read = (): Promise<SiteLeaseState> => harness.lease.read(FOREVER);
    const extend = (epoch: number, untilMs: number): Promise<void> =>
      harness.lease.extend({ epoch, untilMs }, FOREVER);
    const surrender = (epoch: number): Promise<void> => harness.lease.surrender(epoch, FOREVER);
    const promise = (epoch: number, durationMs: number): Promise<void> =>
      harness.lease.promise({ epoch, durationMs }, FOREVER);
    const refusePromises = (epoch: number): Promise<SiteLeaseState> =>
      harness.lease.refusePromises(epoch, FOREVER);

    /** A standby as it is before anybody asks it for anything. */
    async function standby(): Promise<void> {
      await harness.become("standby", EPOCH);
      await harness.lapse();
    }

    test("reads role, epoch, and the end of the lease on the clock it reads", async () => {
      const state = await read();
      expect(state).toMatchObject({ role: "active", epoch: EPOCH, promisedUntilMs: null });
      expect(state.untilMs).toBeGreaterThan(state.nowMs);
    });

    test("extends, and shortens, the lease of an active site", async () => {
      const { nowMs } = await read();
      for (const untilMs of [nowMs + 90_000, nowMs + 60_000]) {
        await extend(EPOCH, untilMs);
        expect((await read()).untilMs).toBeCloseTo(untilMs, 1);
      }
    });

    test("extends for no other epoch, and nothing that is not active", async () => {
      const { nowMs, untilMs } = await read();
      for (const epoch of [EPOCH - 1, EPOCH + 1]) {
        await expect(extend(epoch, nowMs + 70_000)).rejects.toMatchObject(STALE);
      }
      for (const role of ["standby", "fenced"] as const) {
        await harness.become(role, EPOCH);
        await expect(extend(EPOCH, nowMs + 70_000)).rejects.toMatchObject(STALE);
      }
      expect((await read()).untilMs).toBe(untilMs);
    });

    test("does not surrender the very epoch for which a plan has made the site active", async () => {
      const before = await read();
      await surrender(EPOCH);
      const { role, epoch, untilMs } = await read();
      expect({ role, epoch, untilMs }).toEqual({
        role: "active",
        epoch: EPOCH,
        untilMs: before.untilMs,
      });
    });

    test("surrenders: the site is fenced for the other's epoch, and its lease is over", async () => {
      await surrender(EPOCH + 1);
      await surrender(EPOCH + 1);
      const state = await read();
      expect(state).toMatchObject({ role: "fenced", epoch: EPOCH + 1 });
      expect(state.untilMs).toBeLessThan(state.nowMs);
      await expect(surrender(EPOCH)).rejects.toMatchObject(STALE);
      await expect(extend(EPOCH + 1, state.nowMs + 5_000)).rejects.toMatchObject(STALE);
    });

    test("promises for a standby, and a promise only grows", async () => {
      await standby();
      await promise(EPOCH, 60_000);
      const { nowMs, promisedUntilMs } = await read();
      expect(promisedUntilMs).toBeGreaterThan(nowMs);
      await promise(EPOCH + 1, 1);
      expect((await read()).promisedUntilMs).toBe(promisedUntilMs);
    });

    test("takes no lease while a promise is outstanding, not even after a promotion", async () => {
      await standby();
      await promise(EPOCH, 60_000);
      await harness.become("active", EPOCH + 1);
      const { nowMs } = await read();
      await expect(extend(EPOCH + 1, nowMs + 5_000)).rejects.toMatchObject(STALE);
    });

    test("promises nothing while it is active, fenced, newer, or still leased", async () => {
      await harness.become("standby", EPOCH);
      await expect(promise(EPOCH, 1_000)).rejects.toMatchObject(REFUSED);
      await harness.lapse();
      for (const role of ["active", "fenced"] as const) {
        await harness.become(role, EPOCH);
        await expect(promise(EPOCH, 1_000)).rejects.toMatchObject(REFUSED);
      }
      await harness.become("standby", EPOCH);
      await expect(promise(EPOCH - 1, 1_000)).rejects.toMatchObject(REFUSED);
      expect((await read()).promisedUntilMs).toBeNull();
      await promise(EPOCH, 1_000);
    });

    test("refuses older promises from now on, keeps its role, and tells the newest promise", async () => {
      await standby();
      await promise(EPOCH, 60_000);
      const { promisedUntilMs } = await read();
      for (const _ of [1, 2]) {
        const state = await refusePromises(EPOCH + 1);
        expect(state).toMatchObject({ role: "standby", epoch: EPOCH + 1, promisedUntilMs });
      }
      await expect(promise(EPOCH, 60_000)).rejects.toMatchObject(REFUSED);
      await expect(refusePromises(EPOCH)).rejects.toMatchObject(STALE);
      await promise(EPOCH + 1, 60_000);
    });
  });
}

/** What every traffic switch must do, as tests. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type { SiteId } from "@cloudphoenix/core";
import type { TrafficSwitch } from "@cloudphoenix/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

export interface TrafficSwitchHarness {
  readonly traffic: TrafficSwitch;
  /** Two sites the record can point to. */
  readonly sites: readonly [SiteId, SiteId];
  /** A second client of the same record, as another controller would have. */
  readonly another: TrafficSwitch;
  stop(): Promise<void>;
}

export interface TrafficSwitchContract {
  /** Name of the implementation, printed with every test. */
  readonly name: string;
  /** A record that points to the first site for generation 1. */
  readonly setup: () => Promise<TrafficSwitchHarness>;
}

const FOREVER = new AbortController().signal;

/** Declares the suite for one implementation. */
export function describeTrafficSwitch({ name, setup }: TrafficSwitchContract): void {
  describe(`traffic switch ${name}`, () => {
    let harness: TrafficSwitchHarness;

    beforeEach(async () => {
      harness = await setup();
    });

    afterEach(async () => {
      await harness.stop();
    });

    test("says where the record points and for which generation", async () => {
      const state = await harness.traffic.read(FOREVER);
      expect(state).toMatchObject({ site: harness.sites[0], generation: 1 });
      expect(state.ttlMs).toBeGreaterThanOrEqual(0);
      expect(state.answer).not.toBe("");
    });

    test("points the record at the other site, which everybody then reads", async () => {
      const [, other] = harness.sites;
      const state = await harness.traffic.switchTo(other, 2, FOREVER);
      expect(state).toMatchObject({ site: other, generation: 2 });
      expect(await harness.another.read(FOREVER)).toMatchObject({ site: other, generation: 2 });
    });

    test("switching again for the same generation is success", async () => {
      const [, other] = harness.sites;
      await harness.traffic.switchTo(other, 2, FOREVER);
      const again = await harness.another.switchTo(other, 2, FOREVER);
      expect(again).toMatchObject({ site: other, generation: 2 });
    });

    test("the same generation may switch back, as an undo does", async () => {
      const [home, other] = harness.sites;
      await harness.traffic.switchTo(other, 2, FOREVER);
      const back = await harness.traffic.switchTo(home, 2, FOREVER);
      expect(back).toMatchObject({ site: home, generation: 2 });
    });

    test("a stale generation is refused and changes nothing", async () => {
      const [home, other] = harness.sites;
      await harness.traffic.switchTo(other, 3, FOREVER);
      const late = harness.another.switchTo(home, 2, FOREVER);
      await expect(late).rejects.toMatchObject({ code: "STALE_GENERATION", retryable: false });
      expect(await harness.traffic.read(FOREVER)).toMatchObject({ site: other, generation: 3 });
    });

    test("a newer generation is recorded even if the site stays the same", async () => {
      const [home] = harness.sites;
      await harness.traffic.switchTo(home, 2, FOREVER);
      expect(await harness.another.read(FOREVER)).toMatchObject({ site: home, generation: 2 });
    });

    test("of two switches at the same time the newer generation stays", async () => {
      const [home, other] = harness.sites;
      await Promise.allSettled([
        harness.traffic.switchTo(other, 3, FOREVER),
        harness.another.switchTo(home, 2, FOREVER),
      ]);
      expect(await harness.traffic.read(FOREVER)).toMatchObject({ site: other, generation: 3 });
    });

    test("a switch whose signal has aborted does nothing", async () => {
      const [home, other] = harness.sites;
      const switching = harness.traffic.switchTo(other, 2, AbortSignal.abort());
      await expect(switching).rejects.toMatchObject({ code: "ABORTED" });
      expect(await harness.another.read(FOREVER)).toMatchObject({ site: home, generation: 1 });
    });
  });
}

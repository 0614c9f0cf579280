/** What every way of finding out where clients end up must do, as tests. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type { SiteId } from "@cloudphoenix/core";
import type { ConvergenceProbe, ConvergenceSample } from "@cloudphoenix/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OUT_OF_REACH, type OutOfReach } from "./out-of-reach.ts";

export interface ConvergenceProbeHarness {
  readonly probe: ConvergenceProbe;
  /** Every vantage that is asked. */
  readonly vantages: readonly string[];
  /** Clients are led to the first one. */
  readonly sites: readonly [SiteId, SiteId];
  /** Points the name that clients use at a site. */
  lead(to: SiteId): Promise<void>;
  /** The way in at the first site does not answer clients from now on. */
  shut(how: OutOfReach): Promise<void>;
  /** No vantage can find out anything from now on. */
  blind(how: OutOfReach): Promise<void>;
  stop(): Promise<void>;
}

export interface ConvergenceProbeContract {
  /** Name of the implementation, printed with every test. */
  readonly name: string;
  readonly setup: () => Promise<ConvergenceProbeHarness>;
  /** The ways in which sites and vantages can be out of reach there. Default: both. */
  readonly losses?: readonly OutOfReach[];
}

const FOREVER = new AbortController().signal;
const WITH_REASON: unknown = expect.stringMatching(/./u);

/** Declares the suite for one implementation. */
export function describeConvergenceProbe(contract: ConvergenceProbeContract): void {
  const { name, setup, losses = OUT_OF_REACH } = contract;

  describe(`convergence probe ${name}`, () => {
    let harness: ConvergenceProbeHarness;

    beforeEach(async () => {
      harness = await setup();
    });

    afterEach(async () => {
      await harness.stop();
    });

    const sample = (signal = FOREVER): Promise<readonly ConvergenceSample[]> =>
      harness.probe.sample(signal);
    /** One sample of every vantage, all of which ended up at `site`. */
    const all = (site: SiteId | null): readonly unknown[] =>
      harness.vantages.map((vantage) => ({ vantage, site, detail: WITH_REASON }));

    test("every vantage says at which site clients near it end up, however often", async () => {
      const [home] = harness.sites;
      expect(await sample()).toEqual(all(home));
      expect(await sample()).toEqual(all(home));
    });

    test("every vantage follows once the name leads elsewhere", async () => {
      const [home, other] = harness.sites;
      for (const site of [other, home]) {
        await harness.lead(site);
        await expect.poll(() => sample(), { timeout: 10_000 }).toEqual(all(site));
      }
    });

    test.each(losses)(
      "a site that does not answer (%s) is nobody's, with the reason",
      async (how) => {
        await harness.shut(how);
        expect(await sample()).toEqual(all(null));
      },
    );

    test.each(losses)(
      "a vantage that knows nothing (%s) is a sample without a site",
      async (how) => {
        await harness.blind(how);
        expect(await sample()).toEqual(all(null));
      },
    );

    test("given up, it ends at once and claims no site", async () => {
      await harness.blind(losses.at(-1) ?? "refusing");
      const giveUp = new AbortController();
      const sampling = sample(giveUp.signal);
      giveUp.abort();
      expect(await sampling).toEqual(all(null));
      expect(await sample(AbortSignal.abort())).toEqual(all(null));
    });
  });
}

/** What every way of asking a site's entry must do, as tests. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type { SiteId } from "@cloudphoenix/core";
import type { SiteEntry } from "@cloudphoenix/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OUT_OF_REACH, type OutOfReach } from "./out-of-reach.ts";

export interface SiteEntryHarness {
  readonly entry: SiteEntry;
  readonly site: SiteId;
  /** Opens or closes the writes of the site, as a plan does. */
  setWrites(open: boolean): Promise<void>;
  /** The application of the site answers from now on that it cannot work, or nobody does. */
  fail(): Promise<void>;
  /** The entry of the site does not answer from now on. */
  lose(how: OutOfReach): Promise<void>;
  stop(): Promise<void>;
}

export interface SiteEntryContract {
  /** Name of the implementation, printed with every test. */
  readonly name: string;
  /** A site that serves: all is well and writes are open. */
  readonly setup: () => Promise<SiteEntryHarness>;
  /** The ways in which the entry can be out of reach there. Default: both. */
  readonly losses?: readonly OutOfReach[];
}

const FOREVER = new AbortController().signal;
const EXPECTATIONS = ["standing-by", "serving"] as const;
const WITH_REASON: unknown = expect.stringMatching(/./u);
const UNHEALTHY = { status: "unhealthy", detail: WITH_REASON };

/** Declares the suite for one implementation. */
export function describeSiteEntry(contract: SiteEntryContract): void {
  const { name, setup, losses = OUT_OF_REACH } = contract;

  describe(`site entry ${name}`, () => {
    let harness: SiteEntryHarness;

    beforeEach(async () => {
      harness = await setup();
    });

    afterEach(async () => {
      await harness.stop();
    });

    const check = (
      expected: (typeof EXPECTATIONS)[number],
      signal = FOREVER,
    ): ReturnType<SiteEntry["check"]> => harness.entry.check(harness.site, expected, signal);

    test("a site with open writes serves and does not stand by, however often it is asked", async () => {
      for (let round = 0; round < 2; round += 1) {
        expect(await check("serving")).toEqual({ status: "healthy", detail: WITH_REASON });
        expect(await check("standing-by")).toEqual(UNHEALTHY);
      }
    });

    test("a site with closed writes stands by and does not serve", async () => {
      await harness.setWrites(false);
      expect(await check("standing-by")).toEqual({ status: "healthy", detail: WITH_REASON });
      expect(await check("serving")).toEqual(UNHEALTHY);
    });

    test("a site that is opened serves from then on", async () => {
      await harness.setWrites(false);
      await harness.setWrites(true);
      expect(await check("serving")).toMatchObject({ status: "healthy" });
    });

    test.each(EXPECTATIONS)("a site that cannot work is never %s", async (expected) => {
      for (const open of [true, false]) {
        await harness.setWrites(open);
        await harness.fail();
        expect(await check(expected)).toEqual(UNHEALTHY);
      }
    });

    test.each(losses)(
      "an entry out of reach (%s) is unhealthy with the reason, not an error",
      async (how) => {
        await harness.lose(how);
        for (const expected of EXPECTATIONS) expect(await check(expected)).toEqual(UNHEALTHY);
      },
    );

    test("is given up as soon as its signal aborts", async () => {
      await harness.lose(losses.at(-1) ?? "refusing");
      const giveUp = new AbortController();
      const checking = check("serving", giveUp.signal);
      giveUp.abort();
      await expect(checking).rejects.toMatchObject({ code: "ABORTED" });
      await expect(check("serving", AbortSignal.abort())).rejects.toMatchObject({
        code: "ABORTED",
      });
    });
  });
}

/** What every means of fencing must do, as tests. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import {
  type FenceDegree,
  type FenceProof,
  type SiteId,
  hasCode,
  messageOf,
} from "@cloudphoenix/core";
import type { Fencer } from "@cloudphoenix/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OUT_OF_REACH, type OutOfReach } from "./out-of-reach.ts";

export interface FencerHarness {
  readonly fencer: Fencer;
  /** The same means in the hands of a second controller. */
  readonly another: Fencer;
  readonly site: SiteId;
  /** The newest generation the site was changed for. */
  readonly generation: number;
  /** Whether writers get through, as far as this means decides. */
  writersPass(): Promise<boolean>;
  /** Nothing that this means has to ask answers from now on. */
  lose(how: OutOfReach): Promise<void>;
  stop(): Promise<void>;
}

export interface FencerContract {
  /** Name of the implementation, printed with every test. */
  readonly name: string;
  /** What this means proves when nothing is in its way. */
  readonly degree: Exclude<FenceDegree, "unproven">;
  /** A site whose writers get through. */
  readonly setup: () => Promise<FencerHarness>;
  /** The ways in which this means can be out of reach there. Default: both. */
  readonly losses?: readonly OutOfReach[];
}

const FOREVER = new AbortController().signal;
const STALE = { code: "STALE_GENERATION", retryable: false };

/** Declares the suite for one implementation. */
export function describeFencer(contract: FencerContract): void {
  const { name, degree, setup, losses = OUT_OF_REACH } = contract;

  describe(`fencer ${name}`, () => {
    let harness: FencerHarness;
    /** The generation of the first plan that fences. */
    let first: number;

    beforeEach(async () => {
      harness = await setup();
      first = harness.generation + 1;
    });

    afterEach(async () => {
      await harness.stop();
    });

    const fence = (generation: number, signal = FOREVER): Promise<FenceProof> =>
      harness.fencer.fence(harness.site, generation, signal);
    const unfence = (generation: number, signal = FOREVER): Promise<void> =>
      harness.fencer.unfence(harness.site, generation, signal);
    const forecast = (signal = FOREVER): Promise<FenceProof> =>
      harness.fencer.forecast(harness.site, signal);
    /** Writers may need a moment until they are back. */
    const writersReturn = async (): Promise<void> => {
      await expect.poll(() => harness.writersPass(), { timeout: 10_000 }).toBe(true);
    };

    test("stops the writers, and says how surely and what it read back", async () => {
      const proof = await fence(first);
      expect(proof).toMatchObject({ means: harness.fencer.means, degree });
      expect(proof.detail).not.toBe("");
      expect(await harness.writersPass()).toBe(false);
    });

    test("says `confirmed` only if it is the database itself", async () => {
      const { means } = await fence(first);
      expect(means === "database").toBe(degree === "confirmed");
    });

    test("forecasts the degree that it then reaches, and changes nothing for it", async () => {
      expect(await forecast()).toMatchObject({ means: harness.fencer.means, degree });
      expect(await harness.writersPass()).toBe(true);
      // Nor did it claim a generation.
      expect(await fence(harness.generation)).toMatchObject({ degree });
    });

    test("fences again, for the same generation and for a newer one, whoever does it", async () => {
      await fence(first);
      expect(await harness.another.fence(harness.site, first, FOREVER)).toMatchObject({ degree });
      expect(await fence(first + 1)).toMatchObject({ degree });
      expect(await harness.writersPass()).toBe(false);
    });

    test("refuses an older generation and leaves the fence as it is", async () => {
      await fence(first + 1);
      const { another, site } = harness;
      await expect(another.fence(site, first, FOREVER)).rejects.toMatchObject(STALE);
      await expect(another.unfence(site, first, FOREVER)).rejects.toMatchObject(STALE);
      expect(await harness.writersPass()).toBe(false);
      await expect(unfence(first)).rejects.toMatchObject(STALE);
      expect(await harness.writersPass()).toBe(false);
    });

    test("is lifted by the generation that fenced, and lifting it again is harmless", async () => {
      await fence(first);
      await unfence(first);
      await writersReturn();
      await harness.another.unfence(harness.site, first, FOREVER);
      expect(await harness.writersPass()).toBe(true);
    });

    test("is lifted by a newer generation, after which the older one cannot fence again", async () => {
      await fence(first);
      await unfence(first + 1);
      await writersReturn();
      await expect(fence(first)).rejects.toMatchObject(STALE);
      expect(await harness.writersPass()).toBe(true);
    });

    test("lifting a fence that was never there leaves the writers alone", async () => {
      await unfence(harness.generation);
      expect(await harness.writersPass()).toBe(true);
    });

    test.each(losses)(
      "of a site out of reach (%s) is unproven with the reason, never thrown, never claimed",
      async (how) => {
        await harness.lose(how);
        for (const proof of [await fence(first), await forecast()]) {
          expect(proof).toMatchObject({ means: harness.fencer.means, degree: "unproven" });
          expect(proof.detail).not.toBe("");
        }
      },
    );

    test.each(losses)("cannot be lifted out of reach (%s): the caller may retry", async (how) => {
      await fence(first);
      await harness.lose(how);
      await expect(unfence(first)).rejects.toMatchObject({ retryable: true });
    });

    test.each(losses)("ends as soon as its signal aborts, out of reach (%s)", async (how) => {
      await harness.lose(how);
      const giveUp = new AbortController();
      const { signal } = giveUp;
      const asked = [fence(first, signal), forecast(signal)];
      giveUp.abort();
      await Promise.all(asked.map(expectNoClaim));
    });

    test("does nothing once its signal has aborted", async () => {
      await expectNoClaim(fence(first, AbortSignal.abort()));
      expect(await harness.writersPass()).toBe(true);
    });
  });
}

/** Given up, a means may say that it has proven nothing or that it was stopped: no more than that. */
async function expectNoClaim(proving: Promise<FenceProof>): Promise<void> {
  const outcome = await proving.then(
    ({ degree }) => degree,
    (error: unknown) => (hasCode(error, "ABORTED") ? "ABORTED" : messageOf(error)),
  );
  expect(["unproven", "ABORTED"]).toContain(outcome);
}

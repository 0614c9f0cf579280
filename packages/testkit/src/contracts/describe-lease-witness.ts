/** What every lease witness must do, as tests. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type { LeaseDocument, LeaseWitness } from "@cloudphoenix/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

export interface LeaseWitnessHarness {
  readonly witness: LeaseWitness;
  /** A second client of the same document, as an agent beside a controller. */
  readonly another: LeaseWitness;
  stop(): Promise<void>;
}

export interface LeaseWitnessContract {
  /** Name of the implementation, printed with every test. */
  readonly name: string;
  /** A witness of the application `shop` that has never stored anything. */
  readonly setup: () => Promise<LeaseWitnessHarness>;
}

const FOREVER = new AbortController().signal;
const FIRST: LeaseDocument = { application: "shop", epoch: 1, holder: "site-a", renewals: 0 };

/** Declares the suite for one implementation. */
export function describeLeaseWitness({ name, setup }: LeaseWitnessContract): void {
  describe(`lease witness ${name}`, () => {
    let harness: LeaseWitnessHarness;

    beforeEach(async () => {
      harness = await setup();
    });

    afterEach(async () => {
      await harness.stop();
    });

    /** Stores a document and returns its version. */
    async function stored(document: LeaseDocument, expected: string | null): Promise<string> {
      const version = await harness.witness.replace(document, expected, FOREVER);
      if (version === null) throw new Error("somebody else was faster");
      return version;
    }

    test("knows of nothing before the first document", async () => {
      expect(await harness.witness.read(FOREVER)).toBeNull();
    });

    test("reads what was stored last, whoever reads", async () => {
      const version = await stored(FIRST, null);
      expect(await harness.another.read(FOREVER)).toEqual({ lease: FIRST, version });
    });

    test("keeps a lease that nobody holds", async () => {
      const sealed = { ...FIRST, epoch: 2, holder: null };
      await stored(sealed, await stored(FIRST, null));
      expect((await harness.another.read(FOREVER))?.lease).toEqual(sealed);
    });

    test("stores the first document only once", async () => {
      await stored(FIRST, null);
      const second = { ...FIRST, holder: "site-b" };
      expect(await harness.another.replace(second, null, FOREVER)).toBeNull();
      expect((await harness.witness.read(FOREVER))?.lease).toEqual(FIRST);
    });

    test("refuses whoever read an older version, and changes nothing then", async () => {
      const version = await stored(FIRST, null);
      const renewed = { ...FIRST, renewals: 1 };
      const newer = await stored(renewed, version);
      const late = { ...FIRST, epoch: 2, holder: "site-b", renewals: 1 };
      expect(await harness.another.replace(late, version, FOREVER)).toBeNull();
      expect(await harness.another.read(FOREVER)).toEqual({ lease: renewed, version: newer });
    });

    test("gives every change another version, also one that says the same", async () => {
      const version = await stored(FIRST, null);
      const again = await stored(FIRST, version);
      expect(again).not.toBe(version);
      expect(await harness.another.replace(FIRST, version, FOREVER)).toBeNull();
    });

    test("changes nothing for a caller that has given up", async () => {
      const version = await stored(FIRST, null);
      const givenUp = AbortSignal.abort();
      const late = harness.witness.replace({ ...FIRST, renewals: 1 }, version, givenUp);
      await expect(late).rejects.toMatchObject({ code: "ABORTED" });
      await expect(harness.witness.read(givenUp)).rejects.toMatchObject({ code: "ABORTED" });
      expect(await harness.another.read(FOREVER)).toEqual({ lease: FIRST, version });
    });

    test("lets one of many changes at the same time win", async () => {
      const version = await stored(FIRST, null);
      const changes = Array.from({ length: 8 }, (_, index) => {
        const witness = index % 2 === 0 ? harness.witness : harness.another;
        return witness.replace({ ...FIRST, renewals: index + 1 }, version, FOREVER);
      });
      const won = (await Promise.all(changes)).filter((one) => one !== null);
      expect(won).toHaveLength(1);
      expect((await harness.witness.read(FOREVER))?.version).toBe(won[0]);
    });
  });
}

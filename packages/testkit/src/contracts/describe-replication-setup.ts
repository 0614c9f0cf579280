/** What everything that sets replication up must do, as tests. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type {
  ReplicationSetup,
  SetupForecast,
  SetupPair,
  SetupProgress,
  SetupResult,
} from "@cloudphoenix/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

export interface ReplicationSetupHarness {
  readonly replication: ReplicationSetup;
  /** Two sites that were never set up; the first has tables with rows. */
  readonly pair: SetupPair;
  /** Makes a table at both sites, as a release would. */
  addTable(name: string): Promise<void>;
  /** Makes something at the first site that cannot be replicated; `object` of its problem. */
  spoil(): Promise<string>;
  stop(): Promise<void>;
}

export interface ReplicationSetupContract {
  /** Name of the implementation, printed with every test. */
  readonly name: string;
  readonly setup: () => Promise<ReplicationSetupHarness>;
}

const soon = (): AbortSignal => AbortSignal.timeout(30_000);

/** Declares the suite for one implementation. */
export function describeReplicationSetup({ name, setup }: ReplicationSetupContract): void {
  describe(`replication setup ${name}`, () => {
    let harness: ReplicationSetupHarness;

    beforeEach(async () => {
      harness = await setup();
    });

    afterEach(async () => {
      await harness.stop();
    });

    const forecast = (pair = harness.pair): Promise<SetupForecast> =>
      harness.replication.forecast(pair, soon());
    const setUp = (pair = harness.pair): Promise<SetupResult> =>
      harness.replication.setup(pair, soon());

    test("a forecast says what would be made and copied, and makes nothing", async () => {
      const first = await forecast();
      expect(first.problems).toEqual([]);
      expect(first.changes.length).toBeGreaterThan(0);
      expect(first.bytesToCopy).toBeGreaterThan(0);
      expect((await forecast()).changes).toEqual(first.changes);
    });

    test("once set up, with its progress told, nothing is left to do", async () => {
      const told: SetupProgress[] = [];
      const onProgress = (progress: SetupProgress): void => void told.push(progress);

      const made = await harness.replication.setup({ ...harness.pair, onProgress }, soon());

      expect(made).toMatchObject({ alreadyDone: false, schemaCopied: true });
      expect(told.at(-1)).toMatchObject({
        tables: made.tables,
        tablesReady: made.tables,
        copying: [],
      });
      expect(await forecast()).toEqual({ problems: [], changes: [], bytesToCopy: 0 });
      expect(await setUp()).toMatchObject({ alreadyDone: true, schemaCopied: false });
    });

    test("a table that came later at both sites is forecast and taken up", async () => {
      const before = await setUp();
      await harness.addTable("later");

      const { changes } = await forecast();
      expect(changes.filter((change) => change.includes("later"))).toContainEqual(
        expect.stringContaining("copy"),
      );

      const { tables } = await setUp();
      expect(tables).toBe(before.tables + 1);
      expect((await forecast()).changes).toEqual([]);
    });

    test("what cannot be replicated is forecast and refused before anything is changed", async () => {
      const object = await harness.spoil();

      const { problems, changes } = await forecast();

      expect(problems).toContainEqual(
        expect.objectContaining({
          site: harness.pair.from,
          object: expect.stringContaining(object),
        }),
      );
      await expect(setUp()).rejects.toMatchObject({
        code: "REPLICATION_PREFLIGHT",
        message: expect.stringContaining(object),
      });
      expect((await forecast()).changes).toEqual(changes);
    });

    test("the other way round is forecast as a problem and refused", async () => {
      await setUp();
      const { from, to, generation } = harness.pair;
      const turned = { from: to, to: from, generation };

      expect((await forecast(turned)).problems.map(({ rule }) => rule)).toContain("wrong-role");
      await expect(setUp(turned)).rejects.toMatchObject({ code: "CONFLICT" });
      expect((await forecast()).changes).toEqual([]);
    });

    test("an abort ends it, and calling again finishes the work", async () => {
      const stop = new AbortController();
      const onProgress = (): void => stop.abort();

      const aborted = harness.replication.setup({ ...harness.pair, onProgress }, stop.signal);

      await expect(aborted).rejects.toMatchObject({ code: "ABORTED", retryable: true });
      await setUp();
      expect((await forecast()).changes).toEqual([]);
    });
  });
}

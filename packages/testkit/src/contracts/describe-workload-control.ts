/** What every control of workloads must do, as tests. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type { SiteId } from "@cloudphoenix/core";
import type { WorkloadControl, WorkloadState } from "@cloudphoenix/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OUT_OF_REACH, type OutOfReach } from "./out-of-reach.ts";

export interface WorkloadControlHarness {
  readonly control: WorkloadControl;
  /** The same platform in the hands of a second controller. */
  readonly another: WorkloadControl;
  readonly site: SiteId;
  /** Two of two replicas are ready, and there is room for a third. */
  readonly workload: string;
  /** The newest generation the platform was changed for. */
  readonly generation: number;
  /** One replica ends and does not come back by itself. */
  breakReplica(): Promise<void>;
  /** The platform of the site does not answer from now on. */
  lose(how: OutOfReach): Promise<void>;
  stop(): Promise<void>;
}

export interface WorkloadControlContract {
  /** Name of the implementation, printed with every test. */
  readonly name: string;
  readonly setup: () => Promise<WorkloadControlHarness>;
  /** The ways in which the platform can be out of reach there. Default: both. */
  readonly losses?: readonly OutOfReach[];
}

const FOREVER = new AbortController().signal;
const WHOLE: WorkloadState = { desired: 2, ready: 2, troubles: [] };
const STALE = { code: "STALE_GENERATION", retryable: false };
const NOT_FOUND = { code: "NOT_FOUND", retryable: false };
const UNREACHABLE = { code: "UNREACHABLE", retryable: true };
const ABORTED = { code: "ABORTED" };

/** Declares the suite for one implementation. */
export function describeWorkloadControl(contract: WorkloadControlContract): void {
  const { name, setup, losses = OUT_OF_REACH } = contract;

  describe(`workload control ${name}`, () => {
    let harness: WorkloadControlHarness;
    /** The generation of the first plan that changes something. */
    let first: number;

    beforeEach(async () => {
      harness = await setup();
      first = harness.generation + 1;
    });

    afterEach(async () => {
      await harness.stop();
    });

    const inspect = (signal = FOREVER): Promise<WorkloadState> =>
      harness.control.inspect(harness.site, harness.workload, signal);
    const scale = (replicas: number, generation: number, signal = FOREVER): Promise<void> =>
      harness.control.scale(harness.site, harness.workload, { replicas, generation }, signal);
    const restart = (generation: number, signal = FOREVER): Promise<void> =>
      harness.control.restart(harness.site, harness.workload, { generation }, signal);
    const becomes = async (state: WorkloadState): Promise<void> => {
      await expect.poll(() => inspect(), { timeout: 10_000 }).toEqual(state);
    };

    test("tells how many replicas are wanted and how many are ready", async () => {
      expect(await inspect()).toEqual(WHOLE);
    });

    test("scales up and down; what was accepted is read back at once, the rest follows", async () => {
      for (const desired of [3, 1, 0, 2]) {
        await scale(desired, first);
        expect(await inspect()).toMatchObject({ desired });
        await becomes({ desired, ready: desired, troubles: [] });
      }
    });

    test("scaling to the same number again leaves the replicas alone", async () => {
      for (const control of [harness.control, harness.another]) {
        const change = { replicas: 2, generation: first };
        await control.scale(harness.site, harness.workload, change, FOREVER);
        expect(await inspect()).toEqual(WHOLE);
      }
    });

    test("tells of a replica that is down until a restart has replaced it", async () => {
      await harness.breakReplica();
      await expect.poll(async () => (await inspect()).ready, { timeout: 10_000 }).toBe(1);
      const broken = await inspect();
      expect(broken).toMatchObject({ desired: 2, ready: 1 });
      expect(broken.troubles).toHaveLength(1);

      await restart(first);
      await becomes(WHOLE);
    });

    test("a restart leaves replicas alone that are ready, however often it is asked for", async () => {
      for (const control of [harness.control, harness.another]) {
        await control.restart(harness.site, harness.workload, { generation: first }, FOREVER);
        expect(await inspect()).toEqual(WHOLE);
      }
    });

    test("an older generation is refused and changes nothing, whoever comes with it", async () => {
      await scale(2, first + 1);
      const { another, site, workload } = harness;
      const late = another.scale(site, workload, { replicas: 0, generation: first }, FOREVER);
      await expect(late).rejects.toMatchObject(STALE);
      const lateToo = another.restart(site, workload, { generation: first }, FOREVER);
      await expect(lateToo).rejects.toMatchObject(STALE);
      expect(await inspect()).toEqual(WHOLE);
      await restart(first + 2);
      await expect(scale(0, first + 1)).rejects.toMatchObject(STALE);
      expect(await inspect()).toEqual(WHOLE);
    });

    test("a workload that the site does not have is refused for good", async () => {
      const { control, site } = harness;
      const change = { replicas: 1, generation: first };
      const failures = await failuresOf([
        control.inspect(site, "unheard-of", FOREVER),
        control.scale(site, "unheard-of", change, FOREVER),
        control.restart(site, "unheard-of", change, FOREVER),
      ]);
      expect(failures).toMatchObject([NOT_FOUND, NOT_FOUND, NOT_FOUND]);
    });

    test.each(losses)("a platform out of reach (%s) is told as such, for a retry", async (how) => {
      await harness.lose(how);
      const failures = await failuresOf([inspect(), scale(0, first), restart(first)]);
      expect(failures).toMatchObject([UNREACHABLE, UNREACHABLE, UNREACHABLE]);
    });

    test.each(losses)("gives up as soon as its signal aborts, out of reach (%s)", async (how) => {
      await harness.lose(how);
      const giveUp = new AbortController();
      const { signal } = giveUp;
      const asked = [inspect(signal), scale(0, first, signal), restart(first, signal)];
      giveUp.abort();
      expect(await failuresOf(asked)).toMatchObject([ABORTED, ABORTED, ABORTED]);
    });

    test("changes nothing once its signal has aborted", async () => {
      await expect(scale(0, first, AbortSignal.abort())).rejects.toMatchObject(ABORTED);
      await expect(restart(first, AbortSignal.abort())).rejects.toMatchObject(ABORTED);
      expect(await inspect()).toEqual(WHOLE);
    });
  });
}

/** What each of these fails with; null for what succeeds. All are waited for. */
async function failuresOf(asked: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  const outcomes = await Promise.allSettled(asked);
  return outcomes.map((one) => (one.status === "rejected" ? one.reason : null));
}

/** What every host of a site's database server must do, as tests. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type { SiteId } from "@cloudphoenix/core";
import type { Clock, DatabaseHost } from "@cloudphoenix/engine";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { failureOf } from "./database-control-harness.ts";

export interface DatabaseHostHarness {
  readonly host: DatabaseHost;
  /** The same platform as another process reaches it. */
  readonly another: DatabaseHost;
  readonly site: SiteId;
  /** The clock the hosts wait by. */
  readonly clock: Clock;
  /** Which server runs: another answer after every start of it; null while none does. */
  readonly server: () => Promise<string | null>;
  /** The server ends as if its power were cut; its platform goes on. */
  readonly crash: () => Promise<void>;
  /** Nobody listens where the platform was. */
  readonly refuse: () => Promise<void>;
  /** Nothing sent to the platform is answered. */
  readonly silence: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface DatabaseHostContract {
  /** Name of the implementation and what it talks to, printed with every test. */
  readonly name: string;
  /** Longest time a call may take at a platform that is silent, by the clock of the harness. */
  readonly silenceLimitMs: number;
  /** A server that runs, whose platform was last changed for generation 1. */
  readonly setup: () => Promise<DatabaseHostHarness>;
}

const FOREVER = new AbortController().signal;
const UNREACHABLE = { code: "UNREACHABLE", retryable: true };

/** What a process needs beyond the wait itself on a busy machine. */
const SLACK_MS = 5_000;

/** Declares the suite for one implementation. */
export function describeDatabaseHost({ name, silenceLimitMs, setup }: DatabaseHostContract): void {
  describe(`database host ${name}`, () => {
    let harness: DatabaseHostHarness;

    beforeEach(async () => {
      harness = await setup();
    });

    afterEach(async () => {
      await harness.stop();
    });

    const inspect = (): Promise<string> => harness.host.inspect(harness.site, FOREVER);
    const restart = (generation: number, signal = FOREVER): Promise<void> =>
      harness.host.restart(harness.site, { generation }, signal);

    test("says whether the server runs, whether or not it could be asked itself", async () => {
      expect(await inspect()).toBe("running");
      await harness.crash();
      expect(await inspect()).toBe("stopped");
      expect(await harness.another.inspect(harness.site, FOREVER)).toBe("stopped");
    });

    test("starts a server that is stopped, and has started it when it returns", async () => {
      await harness.crash();
      await restart(2);
      expect(await inspect()).toBe("running");
      expect(await harness.server()).not.toBeNull();
    });

    test("leaves a server alone that runs, as often as it is asked", async () => {
      const before = await harness.server();
      await restart(2);
      await restart(2);
      await harness.another.restart(harness.site, { generation: 3 }, FOREVER);
      expect(await harness.server()).toBe(before);
      await harness.crash();
      await restart(3);
      const started = await harness.server();
      await restart(3);
      expect(await harness.server()).toBe(started);
    });

    test("asked by two at once starts one server", async () => {
      await harness.crash();
      const { another, site } = harness;
      await Promise.all([restart(2), another.restart(site, { generation: 2 }, FOREVER)]);
      const started = await harness.server();
      expect(started).not.toBeNull();
      expect(await inspect()).toBe("running");
      expect(await harness.server()).toBe(started);
    });

    test("starts nothing for an older generation than the newest one it was changed for", async () => {
      await restart(5);
      await harness.crash();
      const late = harness.another.restart(harness.site, { generation: 4 }, FOREVER);
      await expect(late).rejects.toMatchObject({ code: "STALE_GENERATION", retryable: false });
      expect(await inspect()).toBe("stopped");
      await restart(5);
      expect(await inspect()).toBe("running");
    });

    test("is unreachable if nobody listens there", async () => {
      await harness.refuse();
      expect(await failureOf(inspect())).toEqual(UNREACHABLE);
      expect(await failureOf(restart(2))).toEqual(UNREACHABLE);
    });

    test("is unreachable after a limit if it is silent", async () => {
      await harness.silence();
      const beganMs = harness.clock.now();
      const silent = [inspect(), restart(2)].map((call) => failureOf(call));
      expect(await Promise.all(silent)).toEqual([UNREACHABLE, UNREACHABLE]);
      expect(harness.clock.now() - beganMs).toBeLessThan(silenceLimitMs + SLACK_MS);
    });

    test("does nothing for a caller who has given up, and lets one go who does", async () => {
      await harness.crash();
      const over = AbortSignal.abort();
      expect(await failureOf(restart(2, over))).toMatchObject({ code: "ABORTED" });
      const { host, site, clock } = harness;
      expect(await failureOf(host.inspect(site, over))).toMatchObject({ code: "ABORTED" });
      expect(await inspect()).toBe("stopped");
      await harness.silence();
      const stop = new AbortController();
      const waiting = failureOf(restart(2, stop.signal));
      await clock.sleep(50);
      stop.abort();
      // Whoever goes on waiting until the limit says that nobody answers.
      expect(await waiting).toMatchObject({ code: "ABORTED" });
    });
  });
}

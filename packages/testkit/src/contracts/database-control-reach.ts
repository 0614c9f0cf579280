/** The part of the contract about servers that do not answer, and callers who give up. */
/* oxlint-disable max-lines-per-function -- a suite is a list of tests around one fixture */
import type { DatabaseControl } from "@cloudphoenix/engine";
import { describe, expect, test } from "vitest";
import {
  changesFor,
  type CurrentDatabases,
  type DatabaseControlHarness,
  failureOf,
  FOREVER,
} from "./database-control-harness.ts";

/** What a process needs beyond the wait itself on a busy machine. */
const SLACK_MS = 5_000;

/** Declares the tests. `silenceLimitMs`: the longest a call may wait for a silent server. */
export function reachTests(current: CurrentDatabases, silenceLimitMs: number): void {
  describe("a server that does not answer", () => {
    test("if nobody listens there, is unreachable at once, and its fence unproven", async () => {
      const { control, sites, clock, crash, start } = current();
      const standbyOnly = calls(control, sites, FOREVER);
      await crash(sites[0]);
      await crash(sites[1]);
      const beganMs = clock.now();
      for (const [what, call] of Object.entries(standbyOnly)) {
        const unreachable = { code: "UNREACHABLE", retryable: true };
        expect([what, await failureOf(call())]).toEqual([what, unreachable]);
      }
      for (const site of sites) {
        expect(await control.fence(site, 2, FOREVER)).toMatchObject({
          means: "database",
          degree: "unproven",
          detail: expect.stringMatching(/./),
        });
      }
      expect(clock.now() - beganMs).toBeLessThan(SLACK_MS);
      await start(sites[0]);
      await start(sites[1]);
      const [active, standby] = sites;
      expect(await control.inspect(active, FOREVER)).toMatchObject({ role: "active" });
      expect(await control.inspect(standby, FOREVER)).toMatchObject({ role: "standby" });
    });

    test("if it is silent, costs a limit and no more, and its fence is unproven", async () => {
      const { control, another, sites, clock, silence } = current();
      // One side has a session that falls silent, the other one has none yet.
      await Promise.all(sites.map((site) => control.inspect(site, FOREVER)));
      await Promise.all(sites.map((site) => silence(site)));
      const beganMs = clock.now();
      const silent = [control, another].flatMap((one) => Object.values(calls(one, sites, FOREVER)));
      const failures = await Promise.all(silent.map((call) => failureOf(call())));
      for (const failure of failures) {
        expect(failure).toMatchObject({
          code: expect.stringMatching(/^(UNREACHABLE|TIMED_OUT)$/),
          retryable: true,
        });
      }
      const proofs = [control, another].map((one) => one.fence(sites[0], 2, FOREVER));
      for (const proof of await Promise.all(proofs)) {
        expect(proof).toMatchObject({ means: "database", degree: "unproven" });
      }
      // One limit for the calls, one for the fences.
      expect(clock.now() - beganMs).toBeLessThan(2 * silenceLimitMs + SLACK_MS);
    });
  });

  describe("a caller who gives up", () => {
    test("is told so at once, also by a fence, and nothing has changed", async () => {
      const { control, sites } = current();
      const look = (): Promise<unknown> =>
        Promise.all(sites.map((site) => control.inspect(site, FOREVER)));
      const before = await look();
      const over = AbortSignal.abort();
      const all = { ...calls(control, sites, over), ...changesFor(control, sites, 2, over) };
      for (const [what, call] of Object.entries(all)) {
        expect([what, await failureOf(call())]).toMatchObject([what, { code: "ABORTED" }]);
      }
      expect(await look()).toEqual(before);
    });

    test("while a server is silent waits no longer", async () => {
      const { control, sites, clock, silence } = current();
      const [active] = sites;
      await control.inspect(active, FOREVER);
      await silence(active);
      const stop = new AbortController();
      const waiting = [
        control.inspect(active, stop.signal),
        control.inspect(active, stop.signal),
        control.fence(active, 2, stop.signal),
        control.openWrites(active, 2, stop.signal),
      ].map((call) => failureOf(call));
      await clock.sleep(50);
      stop.abort();
      // Whoever goes on waiting until the limit says that nobody answers.
      for (const failure of await Promise.all(waiting)) {
        expect(failure).toMatchObject({ code: "ABORTED" });
      }
    });
  });
}

/** Every method but `fence`, which answers with a proof in any case. */
function calls(
  control: DatabaseControl,
  [active, standby]: DatabaseControlHarness["sites"],
  signal: AbortSignal,
): Readonly<Record<string, () => Promise<unknown>>> {
  return {
    inspect: () => control.inspect(active, signal),
    unfence: () => control.unfence(active, 2, signal),
    drain: () => control.drain(active, standby, signal),
    lossBound: () => control.lossBound(active, standby, signal),
    promote: () => control.promote(standby, active, 2, signal),
    openWrites: () => control.openWrites(active, 2, signal),
    closeWrites: () => control.closeWrites(active, 2, signal),
    measureLoss: () => control.measureLoss(active, "0/1", signal),
  };
}

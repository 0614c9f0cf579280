import { afterAll, beforeAll, expect, test } from "vitest";
import { runFailbackDemo } from "../../apps/cli/src/demo/run-failback-demo.ts";
import { Terminal } from "../../apps/cli/src/terminal.ts";
import { type SandboxUnderTest, sandboxUnderTest } from "./sandbox-under-test.ts";

// Goal: the whole circle on real parts, under load: failover with a loss, the old primary returns and
// is quarantined, its writes are salvaged and written back, it is repaired by key, and the application
// goes home with nothing lost, objects included: before the way home it waits for those made away. Method: the story of the demo, with everything it promises but the
// length of the pause: a shared machine may be too slow for it.

const RATE_PER_SECOND = 20;

let sandbox: SandboxUnderTest;

beforeAll(async () => {
  sandbox = await sandboxUnderTest({ objects: true, ratePerSecond: RATE_PER_SECOND });
});

afterAll(() => sandbox.close());

test("there and back under load: salvaged, repaired, equal, and nothing lost in the end", async () => {
  const terminal = new Terminal({
    json: true,
    quiet: true,
    colour: false,
    logLevel: "error",
    logFile: undefined,
  });

  const report = await runFailbackDemo(
    { world: sandbox.world, terminal, signal: AbortSignal.timeout(280_000) },
    {
      fault: "region-loss",
      durability: "async",
      linkDelayMs: 20,
      writesPerSecond: RATE_PER_SECOND,
    },
  );

  const broken = report.promises.filter((one) => !one.held && !one.promise.includes("pause"));
  expect(broken).toEqual([]);
  expect(report.write_pause_ms).toBeGreaterThanOrEqual(0);
  expect(report.write_pause_controller_ms).toBeGreaterThan(0);
  // By events: a comparison alone would need twice five seconds and more.
  expect(report.objects_behind_ms).toBeLessThan(10_000);
  expect(report.objects_present).toBe(report.objects_acknowledged);
  expect(report.writes_lost_by_failover).toBeGreaterThan(0);
  expect(report.writes_lost_at_the_end).toBe(0);
  const status = await sandbox.status();
  expect(status).toMatchObject({ active: report.home, generation: 3, quarantined: [] });
}, 300_000);

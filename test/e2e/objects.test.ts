// Goal: what a move loses of the objects is exactly what its report names. Method: the worker is
// frozen while orders are placed, so that receipts stay behind; then the region is lost, and an
// independent count of both sides is compared with the report. The service makes no receipt again,
// which would hide what was lost.
import type { RunRecord, RunReport } from "@cloudphoenix/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type SandboxUnderTest, sandboxUnderTest, until } from "./sandbox-under-test.ts";

let sandbox: SandboxUnderTest;
const signal = AbortSignal.timeout(170_000);

beforeAll(async () => {
  sandbox = await sandboxUnderTest({
    objects: true,
    ratePerSecond: 40,
    orderSettings: { RECEIPTS_RECHECK_MAX: "0" },
  });
});

afterAll(() => sandbox.close());

test("the report of a move in the middle of a copy names exactly the objects that are missing", async () => {
  const { world } = sandbox;
  await world.load.start();
  const copied = await until(
    "receipts at the standby",
    () => world.objectCensus(signal, "azure"),
    (census) => census.stored > 20,
  );
  expect(copied.site).toBe("azure-westeurope");

  world.worker?.freeze();
  const frozenAt = (await world.objectCensus(signal, "aws")).stored;
  await until(
    "receipts that nobody copies",
    () => world.objectCensus(signal, "aws"),
    (census) => census.stored > frozenAt + 40,
  );
  await world.breakIt("region-loss");
  const run = await until(
    "the end of the move",
    newestMove,
    (one) => one?.endedAtMs != null,
    90_000,
  );
  await world.load.stop();
  world.worker?.thaw();

  const { report } = await sandbox.api.send<{ report: RunReport }>(`/v1/runs/${run?.id}`);
  const census = await world.objectCensus(signal);
  expect(run?.status).toBe("completed");
  expect(report.objects?.left).toBeNull();
  expect(report.objects?.missing).toBeGreaterThan(20);
  expect(report.objects?.missingKeys).toEqual(census.missing);
  expect(report.objects?.boundMs).toBeGreaterThan(0);
}, 170_000);

async function newestMove(): Promise<RunRecord | undefined> {
  return (await sandbox.runs()).find(({ plan }) => plan.kind === "dr");
}

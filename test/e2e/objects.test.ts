// Goal: what a move loses of the objects is exactly what its report names. Method: the worker is
// frozen while orders are placed, so that receipts stay behind; then the region is lost, and an
// independent count of both sides is compared with the report. The service makes no receipt again,
// which would hide what was lost. Then the lost site returns: what it alone has is listed key by key,
// and compared with two independent listings.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunRecord, RunReport } from "@cloudphoenix/core";
import type { DivergentObject } from "@cloudphoenix/engine";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportQuarantine } from "../../apps/cli/src/export-quarantine.ts";
import type {
  QuarantineAnswer,
  QuarantineDocument,
} from "../../apps/cli/src/render/quarantine-text.ts";
import {
  approveIfAsked,
  type SandboxUnderTest,
  sandboxUnderTest,
  until,
} from "./sandbox-under-test.ts";

let sandbox: SandboxUnderTest;
const signal = AbortSignal.timeout(420_000);

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
    (census) => census.stored.length > 20,
  );
  expect(copied.site).toBe("azure-westeurope");

  world.worker?.freeze();
  const frozenAt = (await world.objectCensus(signal, "aws")).stored.length;
  await until(
    "receipts that nobody copies",
    () => world.objectCensus(signal, "aws"),
    (census) => census.stored.length > frozenAt + 40,
  );
  await world.breakIt("region-loss");
  const run = await until(
    "the end of the move",
    newestMove,
    (one) => one?.endedAtMs != null,
    90_000,
  );
  await world.load.stop();
  // Before the worker thaws: what it had read already, it writes then.
  const census = await world.objectCensus(signal);
  world.worker?.thaw();

  const { report } = await sandbox.api.send<{ report: RunReport }>(`/v1/runs/${run?.id}`);
  expect(run?.status).toBe("completed");
  expect(report.objects?.left).toBeNull();
  expect(report.objects?.missing).toBeGreaterThan(20);
  expect(report.objects?.missingKeys).toEqual(census.missing);
  expect(report.objects?.boundMs).toBeGreaterThan(0);
}, 170_000);

test("the site that returns shows exactly the objects that it alone has, and keeps them", async () => {
  const { world, api, directory } = sandbox;
  const site = "aws-us-east-1";
  await world.mend("region-loss");
  await until(
    "the quarantine",
    () => api.send<{ quarantines: QuarantineDocument[] }>("/v1/quarantine"),
    ({ quarantines }) => quarantines.some((one) => one.divergence !== null),
    60_000,
  );
  const returned = await world.objectCensus(signal, "aws");
  const active = await world.objectCensus(signal, "azure");
  const elsewhere = new Set(active.stored);
  const alone = returned.stored.filter((key) => !elsewhere.has(key));

  const shown = await api.send<QuarantineAnswer>(`/v1/quarantine/${site}?objects=5`, {
    timeoutMs: 70_000,
  });
  const wish = { site, file: join(directory, "lost.jsonl"), force: false, by: "ann" };
  const kept = await exportQuarantine(api, wish, signal);

  expect(alone.length).toBeGreaterThan(20);
  expect(alone).toEqual(expect.arrayContaining([...active.missing]));
  expect(shown.objects).toMatchObject({
    complete: true,
    trouble: null,
    looked: returned.stored.length,
    onlyThere: alone.length,
  });
  expect(shown.objects?.first.map(({ key }) => key)).toEqual(alone.slice(0, 5));
  const listed = readFileSync(kept.objects?.file ?? "", "utf8")
    .trim()
    .split("\n");
  const objects = listed.map((line): DivergentObject => JSON.parse(line));
  expect(objects.filter(({ kind }) => kind === "only-there").map(({ key }) => key)).toEqual(alone);
  expect(objects.every(({ sizeBytes, modifiedMs }) => sizeBytes > 0 && modifiedMs > 0)).toBe(true);
  expect((await world.objectCensus(signal, "aws")).stored).toEqual(returned.stored);
}, 120_000);

/** How fresh the database's data was is not the question here. */
async function newestMove(): Promise<RunRecord | undefined> {
  const move = (await sandbox.runs()).find(({ plan }) => plan.kind === "dr");
  if (move !== undefined) await approveIfAsked(sandbox.api, move);
  return move;
}

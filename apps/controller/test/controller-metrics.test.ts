import { ACTION_KINDS, FINAL_RUN_STATUSES, type StepRecord } from "@cloudphoenix/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ControllerMetrics } from "../src/metrics/controller-metrics.ts";
import { fakeWorld } from "./fake-world.ts";

let metrics: ControllerMetrics;
let nowMs = 0;

beforeEach(() => {
  metrics = new ControllerMetrics({ application: "shop", monotonicMs: () => nowMs });
});

afterEach(() => metrics.close());

describe("before anything happened, so that the first time counts as an increase,", () => {
  test.each(ACTION_KINDS)("no decision has said %s", async (action) => {
    const { text } = await metrics.text();
    expect(text).toContain(`cloudphoenix_decisions_total{action="${action}",application="shop"} 0`);
    expect(text).toContain(`cloudphoenix_decision{action="${action}",application="shop"} 0`);
  });

  test.each(FINAL_RUN_STATUSES)("no run has ended as %s", async (status) => {
    const { text } = await metrics.text();
    expect(text).toContain(
      `cloudphoenix_runs_ended_total{status="${status}",application="shop"} 0`,
    );
  });
});

test("a run that failed is counted once and is no longer active", async () => {
  metrics.runStatus("run-1", "running");
  metrics.runStatus("run-1", "failed");
  const { text } = await metrics.text();
  expect(text).toContain('cloudphoenix_runs_ended_total{status="failed",application="shop"} 1');
  expect(text).toContain('cloudphoenix_runs_active{status="running",application="shop"} 0');
});

const STEP: StepRecord = {
  id: "fence",
  status: "running",
  attempts: 1,
  startedAtMs: 0,
  endedAtMs: null,
  result: null,
  error: null,
  skipped: null,
};

test("a run is quiet from the last thing it recorded", async () => {
  nowMs = 10_000;
  metrics.runStatus("run-1", "running");
  nowMs = 40_000;
  expect((await metrics.text()).text).toContain(
    'cloudphoenix_run_quiet_seconds{application="shop"} 30',
  );
  metrics.stepRecorded("run-1", STEP);
  nowMs = 45_000;
  expect((await metrics.text()).text).toContain(
    'cloudphoenix_run_quiet_seconds{application="shop"} 5',
  );
});

test.each(["waiting-approval", "paused", "needs-attention", "completed"] as const)(
  "a run that is %s is not waited for, and not quiet",
  async (status) => {
    nowMs = 0;
    metrics.runStatus("run-1", "running");
    metrics.runStatus("run-1", status);
    nowMs = 3_600_000;
    expect((await metrics.text()).text).toContain(
      'cloudphoenix_run_quiet_seconds{application="shop"} 0',
    );
  },
);

test("certificates are told by when they end", async () => {
  metrics.watchCertificates(() => [
    { signal: "aws-entry", vantage: "control", endsAtMs: 1_800_000_000_000 },
  ]);
  expect((await metrics.text()).text).toContain(
    'cloudphoenix_certificate_expiry_timestamp_seconds{signal="aws-entry",vantage="control",application="shop"} 1800000000',
  );
});

test("only a controller that leads says which site is active", async () => {
  const { app, room } = await fakeWorld();
  await app.close();
  const context = room.latest();
  if (context === null) throw new Error("the room has decided nothing");
  const series = async (): Promise<readonly string[]> =>
    (await metrics.text()).text
      .split("\n")
      .filter((line) => line.startsWith("cloudphoenix_site_active"));

  expect(await series()).toEqual([]);
  metrics.seen(context.decision, context.situation);
  expect(await series()).toEqual([
    'cloudphoenix_site_active{site="aws-us-east-1",application="shop"} 1',
    'cloudphoenix_site_active{site="azure-westeurope",application="shop"} 0',
  ]);
});

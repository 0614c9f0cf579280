import { ACTION_KINDS, FINAL_RUN_STATUSES } from "@cloudphoenix/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ControllerMetrics } from "../src/metrics/controller-metrics.ts";

let metrics: ControllerMetrics;

beforeEach(() => {
  metrics = new ControllerMetrics();
});

afterEach(() => metrics.close());

describe("before anything happened, so that the first time counts as an increase,", () => {
  test.each(ACTION_KINDS)("no decision has said %s", async (action) => {
    const { text } = await metrics.text();
    expect(text).toContain(`cloudphoenix_decisions_total{action="${action}"} 0`);
    expect(text).toContain(`cloudphoenix_decision{action="${action}"} 0`);
  });

  test.each(FINAL_RUN_STATUSES)("no run has ended as %s", async (status) => {
    const { text } = await metrics.text();
    expect(text).toContain(`cloudphoenix_runs_ended_total{status="${status}"} 0`);
  });
});

test("a run that failed is counted once and is no longer active", async () => {
  metrics.runStatus("run-1", "running");
  metrics.runStatus("run-1", "failed");
  const { text } = await metrics.text();
  expect(text).toContain('cloudphoenix_runs_ended_total{status="failed"} 1');
  expect(text).toContain('cloudphoenix_runs_active{status="running"} 0');
});

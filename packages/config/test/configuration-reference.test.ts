import { DEFAULT_POLICY } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { configurationReference, formatDuration, parseDuration } from "../src/index.ts";

const rows = configurationReference();

function rowOf(path: string): (typeof rows)[number] | undefined {
  return rows.find((row) => row.path === path);
}

describe("configurationReference", () => {
  test("describes every field", () => {
    expect(rows.length).toBeGreaterThan(80);
    expect(rows.filter(({ description }) => description === "")).toEqual([]);
  });

  test("lists every path once", () => {
    expect(new Set(rows.map(({ path }) => path)).size).toBe(rows.length);
  });

  test("tells required from optional, with type and default", () => {
    expect(rowOf("sites[].entry.url")).toMatchObject({
      type: "URL",
      required: true,
      default: null,
    });
    expect(rowOf("signals[].interval")).toMatchObject({
      type: "duration",
      required: false,
      default: "1s",
    });
    expect(rowOf("replication.durability")).toMatchObject({
      type: "`async` | `barrier` | `sync`",
      required: false,
      default: "async",
    });
    expect(rowOf("application.workloads")).toMatchObject({ type: "list of map", required: true });
    expect(rowOf("application.workloads[].replicas")).toMatchObject({ type: "whole number" });
    expect(rowOf("signals[].urls")).toMatchObject({ type: "map of URL", required: false });
  });

  test("shows the defaults of core's policy", () => {
    expect(rowOf("policy.cooldown")?.default).toBe(formatDuration(DEFAULT_POLICY.cooldownMs));
    expect(rowOf("policy.evidence_min.dr")?.default).toBe(String(DEFAULT_POLICY.evidenceMin.dr));
    expect(rowOf("policy.fence_min")?.default).toBe(DEFAULT_POLICY.fenceMin);
  });
});

describe("durations", () => {
  test.each([0, 1, 250, 999, 1000, 1500, 90_000, 120_000, 3_600_000, 86_400_000, 86_400_001])(
    "are written so that they read back the same: %i ms",
    (durationMs) => {
      expect(parseDuration(formatDuration(durationMs))).toBe(durationMs);
    },
  );

  test.each(["", "5", "s", "5 s", "-1s", "1e3s", "1w", "1.s"])("refuse `%s`", (text) => {
    expect(parseDuration(text)).toBeNull();
  });
});

import { DEFAULT_POLICY } from "@cloudphoenix/core";
import { describe, expect, test } from "vitest";
import { EXAMPLE } from "./example.ts";
import { accepted } from "./validated.ts";

describe("the complete example", () => {
  const configuration = accepted(EXAMPLE);

  test("loads without a warning", () => {
    expect(configuration.warnings).toEqual([]);
  });

  test("names the application with its sites in order of preference", () => {
    expect(configuration.application).toEqual({
      name: "shop",
      objectives: { rtoMs: 10_000, rpoMs: 5000 },
      workloads: [{ name: "orders", replicas: 2 }],
      sites: [
        { id: "aws-us-east-1", cloud: "aws", region: "us-east-1" },
        { id: "azure-westeurope", cloud: "azure", region: "westeurope" },
      ],
    });
  });

  test("resolves file names against the folder of the file", () => {
    expect(configuration.sites[0]?.database.passwordFile).toBe("/etc/cloudphoenix/secrets/db-aws");
    expect(configuration.state).toEqual({ kind: "embedded", directory: "/etc/cloudphoenix/state" });
    expect(configuration.notify).toEqual([
      { kind: "webhook", urlFile: "/etc/cloudphoenix/secrets/webhook" },
    ]);
  });

  test("gives every vantage the cloud of its site, and none to those outside", () => {
    const clouds = configuration.vantages.map(({ id, cloud }) => [id, cloud]);
    expect(clouds).toEqual([
      ["control", null],
      ["internet", null],
      ["azure", "azure"],
      ["aws", "aws"],
    ]);
  });

  test("fills a signal's gaps by its kind", () => {
    expect(configuration.signals[1]).toEqual({
      id: "aws-uptime",
      kind: "external-uptime",
      site: "aws-us-east-1",
      vantages: ["internet", "control"],
      intervalMs: 1000,
      timeoutMs: 500,
      freshnessMs: 3500,
      points: { degraded: 0, unhealthy: 3 },
      expect: "http-ok",
      urls: {
        internet: "http://127.0.0.1:20121/live",
        control: "http://127.0.0.1:20101/live",
      },
    });
    expect(configuration.signals[3]).toMatchObject({ kind: "replication-lag", urls: {} });
  });

  test("lays the policy over the defaults, level by level", () => {
    expect(configuration.policy).toEqual({
      ...DEFAULT_POLICY,
      holdMs: { ...DEFAULT_POLICY.holdMs, dr: 2000 },
      modes: { ...DEFAULT_POLICY.modes, dr: "auto" },
    });
  });

  test("is frozen all the way down", () => {
    expect(Object.isFrozen(configuration)).toBe(true);
    expect(Object.isFrozen(configuration.sites[0]?.database)).toBe(true);
    expect(Object.isFrozen(configuration.policy.bands)).toBe(true);
  });
});

describe("defaults", () => {
  const optional = /^(network_fence|replication|notify|api|state): .*\n/gm;
  const configuration = accepted(
    EXAMPLE.replace(optional, "").replace(/^policy:\n(?: {2}.*\n)*/m, ""),
  );

  test("stand in for every optional section", () => {
    expect(configuration.policy).toEqual(DEFAULT_POLICY);
    expect(configuration.networkFence).toBeNull();
    expect(configuration.replication).toEqual({ durability: "async", tables: "*" });
    expect(configuration.notify).toEqual([]);
    expect(configuration.api).toEqual({
      listen: { host: "127.0.0.1", port: 20_120 },
      tokenFile: "/etc/cloudphoenix/secrets/api-token",
    });
    expect(configuration.state).toEqual({ kind: "embedded", directory: "/etc/cloudphoenix/state" });
  });
});

import type { Observation, ReplicationFacts, Status } from "@cloudphoenix/core";
import { Watch, replicationSignal } from "@cloudphoenix/engine";
import { SIMULATED_SIGNALS, SIMULATED_VANTAGES, VirtualClock } from "@cloudphoenix/testkit";
import { describe, expect, test } from "vitest";
import { A, B } from "./simulation.ts";

const settings = { signals: SIMULATED_SIGNALS, vantages: SIMULATED_VANTAGES };

function observation(
  atMs: number,
  status: Status,
  changes: Partial<Observation> = {},
): Observation {
  return {
    signal: `${A}-service-health`,
    vantage: "control",
    atMs,
    status,
    detail: "",
    latencyMs: null,
    ...changes,
  };
}

describe("the watch", () => {
  test("keeps the newest answer per question, whatever order answers come in", () => {
    const watch = new Watch({ ...settings, sources: [] });
    watch.observed(observation(2, "unhealthy"));
    watch.observed(observation(1, "healthy"));
    watch.sighted({ vantage: "control", atMs: 2, sees: false });
    watch.sighted({ vantage: "control", atMs: 1, sees: true });

    expect(watch.observations).toEqual([observation(2, "unhealthy")]);
    expect(watch.sights).toEqual([{ vantage: "control", atMs: 2, sees: false }]);
  });

  test("drops what nobody configured", () => {
    const watch = new Watch({ ...settings, sources: [] });
    watch.observed(observation(1, "healthy", { signal: "made-up" }));
    watch.observed(observation(1, "healthy", { vantage: "internet" }));
    watch.sighted({ vantage: "made-up", atMs: 1, sees: true });

    expect(watch.observations).toEqual([]);
    expect(watch.sights).toEqual([]);
  });

  test("tells of changes only, until nobody listens any more", () => {
    const watch = new Watch({ ...settings, sources: [] });
    const told: unknown[] = [];
    const unsubscribe = watch.subscribe((change) => told.push(change.atMs));
    watch.observed(observation(1, "healthy"));
    watch.observed(observation(2, "healthy"));
    watch.observed(observation(3, "degraded"));
    watch.sighted({ vantage: "control", atMs: 4, sees: true });
    watch.sighted({ vantage: "control", atMs: 5, sees: true });
    unsubscribe();
    watch.observed(observation(6, "healthy"));

    expect(told).toEqual([1, 3, 4]);
  });
});

describe("the replication signal", () => {
  const base: ReplicationFacts = {
    writtenAtMs: null,
    appliedAtMs: null,
    readAtMs: null,
    lagBytes: null,
    state: "streaming",
    detail: "",
  };

  async function seen(
    facts: (nowMs: number) => Partial<ReplicationFacts>,
    active: string = A,
  ): Promise<readonly Observation[]> {
    const clock = new VirtualClock();
    const observations: Observation[] = [];
    const source = replicationSignal({
      clock,
      watch: {
        active,
        facts: () => ({ ...base, ...facts(clock.now()) }),
        schemaComparison: () => null,
        standbySchema: () => null,
      },
      signals: SIMULATED_SIGNALS.filter((signal) => signal.site === A),
      sites: [A, B],
      active: () => active,
    });
    source.start({ observed: (one) => observations.push(one), sighted: () => undefined });
    await clock.advance(500);
    await source.stop();
    return observations;
  }

  test.each([
    [0, "healthy"],
    [4_999, "healthy"],
    [5_000, "degraded"],
    [30_000, "degraded"],
    [30_001, "unhealthy"],
  ] as const)("a standby %i ms behind is %s", async (lagMs, status) => {
    const [answer] = await seen((now) => ({
      writtenAtMs: now,
      appliedAtMs: now - lagMs,
      readAtMs: now,
    }));
    expect(answer).toMatchObject({ signal: `${A}-replication-lag`, vantage: "control", status });
  });

  test("says nothing bad of a standby while the active site cannot be written", async () => {
    const [answer] = await seen((now) => ({
      writtenAtMs: now - 60_000,
      appliedAtMs: now - 120_000,
      readAtMs: now,
    }));
    expect(answer?.status).toBe("unknown");
  });

  test("says nothing bad of a standby that cannot be read", async () => {
    const [answer] = await seen((now) => ({
      writtenAtMs: now,
      appliedAtMs: now - 120_000,
      readAtMs: now - 60_000,
    }));
    expect(answer?.status).toBe("unknown");
  });

  test("knows nothing before the first heartbeat", async () => {
    const [before] = await seen(() => ({}));
    const [half] = await seen((now) => ({ writtenAtMs: now, readAtMs: now }));
    expect([before?.status, half?.status]).toEqual(["unknown", "unknown"]);
  });

  test("is silent about a site that is not the active one", async () => {
    expect(await seen((now) => ({ writtenAtMs: now }), B)).toEqual([]);
  });
});

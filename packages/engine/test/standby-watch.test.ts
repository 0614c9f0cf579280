import type { FenceDegree, FenceProof } from "@cloudphoenix/core";
import type { Fencer } from "@cloudphoenix/engine";
import {
  simulatedPorts,
  simulatedReplicationWatch,
  simulatedStores,
  SimulatedWorld,
  VirtualClock,
} from "@cloudphoenix/testkit";
import { expect, test } from "vitest";
import { StandbyWatch } from "../src/loops/standby-watch.ts";
import { A, B } from "./simulation.ts";

function fencer(means: string, degree: FenceDegree, more: Partial<Fencer> = {}): Fencer {
  const proof = { means, degree, detail: `${means} says so` };
  return {
    means,
    fence: async () => proof,
    unfence: async () => undefined,
    forecast: async () => proof,
    ...more,
  };
}

async function obtainable(fencers: readonly Fencer[]): Promise<FenceDegree | undefined> {
  const clock = new VirtualClock();
  const world = new SimulatedWorld(clock);
  const watch = new StandbyWatch({
    ...simulatedPorts(world, simulatedStores()),
    replication: simulatedReplicationWatch(world),
    fencers,
  });
  const refreshed = watch.refresh(A, new AbortController().signal);
  await clock.advance(500);
  await refreshed;
  return watch.facts(A)[0]?.fenceObtainable;
}

test("the strongest means counts, as long as the last resort works too", async () => {
  const lease = fencer("lease", "lease-expired", { lastResort: true });
  expect(await obtainable([fencer("database", "confirmed"), lease])).toBe("confirmed");
});

test("without a working last resort, what a dead site could not confirm does not count", async () => {
  const lease = fencer("lease", "unproven", { lastResort: true });
  const database = fencer("database", "confirmed");
  expect(await obtainable([database, fencer("network", "network"), lease])).toBe("network");
  expect(await obtainable([database, lease])).toBe("unproven");
});

test("where no last resort is configured, the site's own word is all there is", async () => {
  expect(await obtainable([fencer("database", "confirmed")])).toBe("confirmed");
});

test("the end of the active site's lease is told for as long as its means of fencing has told it lately", async () => {
  const clock = new VirtualClock();
  const world = new SimulatedWorld(clock);
  const endedAtMs = clock.now() - 7_000;
  const lease: FenceProof = {
    means: "lease",
    degree: "lease-expired",
    detail: "it has run out",
    leaseEndedAtMs: endedAtMs,
  };
  const watch = new StandbyWatch({
    ...simulatedPorts(world, simulatedStores()),
    replication: simulatedReplicationWatch(world),
    fencers: [
      fencer("database", "unproven"),
      fencer("lease", "lease-expired", { forecast: async () => lease }),
    ],
  });
  expect(watch.leaseEnded(A)).toBeNull();

  const refreshed = watch.refresh(A, new AbortController().signal);
  await clock.advance(500);
  await refreshed;

  expect(watch.leaseEnded(A)).toEqual({ site: A, atMs: endedAtMs });
  expect(watch.leaseEnded(B)).toBeNull();
  await clock.advance(6_000);
  expect(watch.leaseEnded(A)).toBeNull();
});

test("a state database that hangs keeps no answer of a site from being heard", async () => {
  const clock = new VirtualClock();
  const world = new SimulatedWorld(clock);
  const stores = simulatedStores();
  stores.facts.put = () => new Promise(() => undefined);
  const watch = new StandbyWatch({
    ...simulatedPorts(world, stores),
    ...stores,
    replication: simulatedReplicationWatch(world),
    fencers: [],
  });
  const refreshed = watch.refresh(A, new AbortController().signal);
  await clock.advance(1_000);
  await refreshed;

  expect(watch.facts(A)[0]?.entry).toBe("healthy");
});

test("right after a move nothing is known of standbys, whatever was known of the former writer's", () => {
  const world = new SimulatedWorld(new VirtualClock());
  const replication = simulatedReplicationWatch(world);
  const watch = new StandbyWatch({
    ...simulatedPorts(world, simulatedStores()),
    replication,
    fencers: [],
  });

  expect(replication.active).toBe(A);
  expect(watch.facts(A)[0]?.replication.state).toBe("streaming");
  expect(watch.facts(B)[0]?.replication).toMatchObject({
    state: "unknown",
    detail: `whether ${A} follows ${B} is not known yet`,
    appliedAtMs: null,
  });
});

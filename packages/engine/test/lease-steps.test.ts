// Goal: plans take the writer lease from the site they leave, and wait for it unless that site stopped.
import type { FenceProof } from "@cloudphoenix/core";
import type { Fencer, LeaseGrant, StepPorts } from "@cloudphoenix/engine";
import { SIMULATED_POLICY } from "@cloudphoenix/testkit";
import { expect, test } from "vitest";
import { A, B, Simulation } from "./simulation.ts";

interface Asked {
  readonly what: "seal" | "open";
  readonly site: string;
  readonly generation: number;
  readonly grant?: Omit<LeaseGrant, "open" | "generation">;
}

/** A writer lease that keeps what it is asked for, and proves nothing. */
function keptLease(asked: Asked[]): NonNullable<StepPorts["writerLease"]> {
  const nothing: FenceProof = { means: "lease", degree: "unproven", detail: "kept only" };
  return {
    means: "lease",
    fence: async () => nothing,
    forecast: async () => nothing,
    unfence: async () => undefined,
    async seal(site, generation) {
      asked.push({ what: "seal", site, generation });
      return null;
    },
    async open(site, { generation, open, ...grant }, signal) {
      asked.push({ what: "open", site, generation, grant });
      await open(signal);
    },
  };
}

test("a planned move seals the lease of the site that confirmed its stop, before another gets it", async () => {
  const asked: Asked[] = [];
  const simulation = new Simulation(undefined, undefined, { writerLease: keptLease(asked) });

  const { status } = await simulation.run(simulation.plan("switchover"));

  expect(status).toBe("completed");
  expect(asked).toEqual([
    { what: "seal", site: A, generation: 2 },
    { what: "open", site: B, generation: 2, grant: { from: A, stopped: true } },
  ]);
});

test("a move that left a site shut only from outside opens the next one after its lease", async () => {
  const asked: Asked[] = [];
  const policy = { ...SIMULATED_POLICY, fenceMin: "network" } as const;
  const simulation = new Simulation(undefined, policy, { writerLease: keptLease(asked) });
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
  });

  const run = await simulation.run(simulation.plan("dr"));

  expect(run.steps[0]).toMatchObject({ result: { degree: "network" } });
  expect(asked).toEqual([
    { what: "open", site: B, generation: 2, grant: { from: A, stopped: false } },
  ]);
});

test("a platform that says no workload is left does not speak for the database: its lease is waited for", async () => {
  const asked: Asked[] = [];
  const scaled: Fencer = {
    means: "workload",
    stopsReads: true,
    fence: async () => ({ means: "workload", degree: "confirmed", detail: "no replica is left" }),
    forecast: async () => ({ means: "workload", degree: "confirmed", detail: "it answers" }),
    unfence: async () => undefined,
  };
  const writerLease = keptLease(asked);
  const simulation = new Simulation(undefined, undefined, {
    writerLease,
    fencers: [scaled, writerLease],
  });
  simulation.world.strike((state) => {
    state.sites[A]!.condition = "dead";
  });

  const { status } = await simulation.run(simulation.plan("dr"));

  expect(status).toBe("completed");
  expect(asked).toEqual([
    { what: "open", site: B, generation: 2, grant: { from: A, stopped: false } },
  ]);
});

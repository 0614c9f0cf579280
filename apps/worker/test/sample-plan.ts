import type { Plan } from "@cloudphoenix/core";
import { AWS, AZURE } from "./worker-fixture.ts";

/** A move from one cloud to the other that has no steps. */
export function samplePlan(id: string, generation: number): Plan {
  return {
    id,
    kind: "dr",
    application: "shop",
    generation,
    parentGeneration: generation - 1,
    createdAtMs: 1_000,
    from: AWS,
    to: AZURE,
    reason: "test",
    onFailure: "wait",
    steps: [],
  };
}

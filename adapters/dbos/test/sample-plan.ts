import type { Plan, PlanStep } from "@cloudphoenix/core";

/** A plan with the given id whose steps do nothing; interpreters of these tests make their own. */
export function samplePlan(id: string, stepIds: readonly string[] = ["one", "two"]): Plan {
  return {
    id,
    kind: "dr",
    application: "shop",
    generation: 8,
    parentGeneration: 7,
    createdAtMs: 1_000,
    from: "aws-us-east-1",
    to: "azure-westeurope",
    reason: "test",
    onFailure: "wait",
    steps: stepIds.map(sampleStep),
  };
}

function sampleStep(id: string): PlanStep {
  return {
    id,
    action: { kind: "report" },
    title: `Do ${id}`,
    needs: [],
    timeoutMs: 1_000,
    retry: { attempts: 1, backoffMs: 0, backoffMaxMs: 0 },
    undo: { kind: "none", reason: "nothing to take back" },
    requires: [],
    bestEffort: false,
  };
}

/** Plans for the tests. */

import { PLAN_KINDS, planFor } from "../src/index.ts";
import type { Plan, PlanKind, PlanRequest, PlanStep } from "../src/index.ts";
import { AWS, AWS_WEST, AZURE, NOW, WIDE_SHOP } from "./shop.ts";

export const KINDS: readonly PlanKind[] = PLAN_KINDS;

const TARGETS: Readonly<Record<PlanKind, string>> = {
  heal: AWS,
  region: AWS_WEST,
  dr: AZURE,
  switchover: AZURE,
  rollback: AWS,
  rejoin: AZURE,
  failback: AZURE,
};

/** A plan of `kind` for the application with two workloads and three sites. */
export function planOf(kind: PlanKind, change: Partial<PlanRequest> = {}): Plan {
  return planFor({
    id: "run-1",
    kind,
    application: WIDE_SHOP,
    roles: { generation: 7, active: AWS, claimedBy: null, protected: true },
    target: TARGETS[kind],
    ...(kind === "rollback" ? { from: AZURE } : {}),
    nowMs: NOW,
    reason: "a test",
    approvers: 0,
    ...change,
  });
}

/** `plan` with one step changed. */
export function withStep(plan: Plan, id: string, change: Partial<PlanStep>): Plan {
  return {
    ...plan,
    steps: plan.steps.map((step) => (step.id === id ? { ...step, ...change } : step)),
  };
}

/** `plan` without one step; who needed it needs what it needed. */
export function withoutStep(plan: Plan, id: string): Plan {
  const gone = plan.steps.find((step) => step.id === id)!;
  return {
    ...plan,
    steps: plan.steps
      .filter((step) => step !== gone)
      .map((step) => ({
        ...step,
        needs: step.needs.flatMap((need) => (need === id ? gone.needs : [need])),
      })),
  };
}

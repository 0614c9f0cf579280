/** What a plan runner executes: the border between an engine that is durable and one that plans. */
import type { Json, Plan } from "@cloudphoenix/core";
import type { DurableContext } from "../ports/durable-context.ts";
import { executeStep } from "./execute-step.ts";
import { interpretPlan } from "./interpret-plan.ts";
import type { InterpreterDeps } from "./run-session.ts";

export interface RunProgram {
  /** Runs a plan to its end. Deterministic but for what the context returns. */
  readonly interpret: (context: DurableContext, plan: Plan, startedBy: string) => Promise<Json>;
  /** Runs one step of a plan as a branch of its own. */
  readonly executeBranch: (context: DurableContext, plan: Plan, stepId: string) => Promise<Json>;
}

/** The program that interprets plans with these stores and handlers. */
export function planProgram(deps: InterpreterDeps): RunProgram {
  return {
    interpret: (context, plan, startedBy) => interpretPlan(context, plan, deps, startedBy),
    executeBranch: (context, plan, stepId) => executeStep(context, plan, stepId, deps),
  };
}

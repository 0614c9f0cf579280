/** What a rule of the plan linter is given and how it answers. */

import type { Plan, PlanFinding, PlanStep, StepAction, StepKind } from "../plan.ts";
import type { Application } from "../topology.ts";

export interface LintFacts {
  readonly plan: Plan;
  readonly application: Application;
  /** For each step id, the ids of all steps that have ended before it starts. */
  readonly before: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Returns one finding per violation; none if the plan keeps the rule. */
export type LintRule = (facts: LintFacts) => readonly PlanFinding[];

/** A step whose action is of kind `K`. */
export type StepOf<K extends StepKind> = PlanStep & {
  readonly action: Extract<StepAction, { readonly kind: K }>;
};

/** The steps of one kind, in plan order. */
export function stepsOfKind<K extends StepKind>(plan: Plan, kind: K): readonly StepOf<K>[] {
  return plan.steps.filter((step): step is StepOf<K> => step.action.kind === kind);
}

/** Whether one of `earlier` has ended before `later` starts. */
export function anyBefore(
  { before }: LintFacts,
  earlier: readonly PlanStep[],
  later: PlanStep,
): boolean {
  return earlier.some((step) => before.get(later.id)?.has(step.id) === true);
}

/** A violation of `rule`, at one step or (null) of the whole plan. */
export function finding(rule: string, step: PlanStep | null, sentence: string): PlanFinding {
  return { rule, step: step?.id ?? null, sentence };
}

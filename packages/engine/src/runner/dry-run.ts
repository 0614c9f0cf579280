/** What a plan would do, found out without doing any of it. */
import { type Plan, type PlanStep, messageOf } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import { type StepHandlers, handlerOf } from "../steps/step-handler.ts";
import { withDeadline } from "../waiting/with-deadline.ts";

export interface DryRunStep {
  readonly id: string;
  readonly title: string;
  readonly current: string;
  readonly intended: string;
  readonly alreadyDone: boolean;
}

/** A dead site must not make people wait for what the living one says. */
const LOOK_LIMIT_MS = 2_000;

/**
 * Looks at the world once per step, all at the same time, and changes nothing. Where nothing can
 * be seen, the reason stands in place of the current state.
 */
export async function dryRun(
  plan: Plan,
  deps: { readonly clock: Clock; readonly handlers: StepHandlers },
  signal: AbortSignal,
): Promise<readonly DryRunStep[]> {
  return Promise.all(plan.steps.map((step) => lookAt(plan, step, deps, signal)));
}

async function lookAt(
  plan: Plan,
  step: PlanStep,
  deps: { readonly clock: Clock; readonly handlers: StepHandlers },
  signal: AbortSignal,
): Promise<DryRunStep> {
  const { id, title, action } = step;
  try {
    const seen = await withDeadline(
      { clock: deps.clock, limitMs: LOOK_LIMIT_MS, signal, what: `the look at ${id}` },
      (limited) =>
        handlerOf(deps.handlers, action).inspect(action, { plan, step, signal: limited }),
    );
    return { id, title, current: seen.current, intended: seen.intended, alreadyDone: seen.done };
  } catch (error) {
    if (signal.aborted) throw error;
    const current = `could not be found out: ${messageOf(error)}`;
    return { id, title, current, intended: title, alreadyDone: false };
  }
}

/**
 * What the runner knows of a step: how to look, how to act, how to make sure.
 *
 * 1. `inspect` and `verify` change nothing.
 * 2. `run` is idempotent: run again after a crash it finds its own work and succeeds.
 * 3. Every side effect passes `plan.generation`, so a stale run is refused where it writes.
 * 4. Expected failures are thrown as `CloudPhoenixError`; the runner turns them into values.
 */
import type { Json, Plan, PlanStep, StepAction, StepKind } from "@cloudphoenix/core";

/** What a handler is told besides its action. */
export interface StepContext {
  readonly plan: Plan;
  readonly step: PlanStep;
  /** Aborts at the deadline of the attempt, on cancel, and when this process must stop acting. */
  readonly signal: AbortSignal;
}

/** What is, what should be, and whether they are the same, in an operator's words. */
export interface Inspection {
  readonly current: string;
  readonly intended: string;
  readonly done: boolean;
}

/** Whether the world shows that the step took effect. */
export interface Verification {
  readonly ok: boolean;
  readonly detail: string;
}

export interface StepHandler<A extends StepAction = StepAction> {
  /** Looks without changing anything; used by the dry run and as precheck. */
  inspect(action: A, context: StepContext): Promise<Inspection>;
  /**
   * Acts. The value is kept in the journal, so it is plain JSON without secrets. A value made by
   * `askApproval` makes the run wait for people before it goes on.
   */
  run(action: A, context: StepContext): Promise<Json>;
  verify(action: A, context: StepContext): Promise<Verification>;
  /** Set where looking first costs time and saves nothing, because `run` looks anyway. */
  readonly skipPrecheck?: boolean;
  /**
   * Makes sure that a `run` that never finished cannot take effect any more. Only for steps whose
   * finished work is not undone, but whose unfinished work must not linger.
   */
  revoke?(action: A, context: StepContext): Promise<void>;
}

/** One handler per kind; the compiler refuses a registry that misses one. */
export type StepHandlers = {
  readonly [Kind in StepKind]: StepHandler<Extract<StepAction, { readonly kind: Kind }>>;
};

/** The handler that understands `action`. */
export function handlerOf(handlers: StepHandlers, action: StepAction): StepHandler {
  return handlers[action.kind];
}

/**
 * One try of one action: generation check, look, act, look again. Never throws for expected
 * failures; they are values, because the durable engine would take a throw for a defect.
 */
import {
  type Json,
  type Plan,
  type PlanStep,
  type StepAction,
  activeSiteOf,
  hasCode,
} from "@cloudphoenix/core";
import { approvalAskedBy } from "../steps/approval-request.ts";
import { type StepContext, handlerOf } from "../steps/step-handler.ts";
import { persist } from "./persist.ts";
import type { InterpreterDeps } from "./run-session.ts";
import { type StepFailure, failureOf } from "./step-outcome.ts";
import { withDeadline } from "../waiting/with-deadline.ts";

/** A precheck only saves work, so it gets little time: a dead site must not eat the attempt. */
const PRECHECK_MAX_MS = 1_000;

/** A look at finished work is one question, or a tenth of the time of a step that takes long. */
const LOOK_AFTER_MIN_MS = 5_000;
const LOOK_AFTER_SHARE = 0.1;

export type Attempt =
  | { readonly kind: "done"; readonly result: Json; readonly text: string }
  | {
      readonly kind: "approval-needed";
      readonly result: Json;
      readonly approvers: number;
      readonly question: string;
    }
  | { readonly kind: "failed"; readonly error: StepFailure }
  | { readonly kind: "aborted" }
  | { readonly kind: "superseded"; readonly detail: string };

export interface AttemptInput {
  readonly plan: Plan;
  readonly step: PlanStep;
  /** The step's own action, or the one that undoes it. */
  readonly action: StepAction;
}

/** Tries `input.action` once, within the time limit of its step. */
export async function attempt(
  deps: InterpreterDeps,
  input: AttemptInput,
  signal: AbortSignal,
): Promise<Attempt> {
  const stale = await staleness(deps, input.plan);
  if (stale !== null) return { kind: "superseded", detail: stale };
  const { step } = input;
  try {
    return await withDeadline(
      { clock: deps.clock, limitMs: step.timeoutMs, signal, what: step.id },
      (limited) => lookActLook(deps, input, limited),
    );
  } catch (error) {
    if (signal.aborted) return { kind: "aborted" };
    if (hasCode(error, "STALE_GENERATION")) {
      // A target knows of a newer generation. If the role store does too, this run is over; if
      // not, somebody has to find out why they disagree.
      const detail = await staleness(deps, input.plan);
      if (detail !== null) return { kind: "superseded", detail };
    }
    return { kind: "failed", error: failureOf(error) };
  }
}

/** Why this plan may no longer act; null while its generation, and what it was made from, holds. */
export async function staleness(deps: InterpreterDeps, plan: Plan): Promise<string | null> {
  const roles = await persist(deps.clock, () => deps.roles.read());
  if (roles.generation !== plan.generation) {
    return `the plan is of generation ${plan.generation}, the application is at ${roles.generation}`;
  }
  if (claims(plan)) {
    if (roles.claimedBy === plan.id) return null;
    return `generation ${plan.generation} belongs to run ${roles.claimedBy ?? "(none)"}`;
  }
  // A move settles within its generation: a rejoin planned before that would wipe the new writer.
  const active = activeSiteOf(plan);
  if (active === null || active === roles.active) return null;
  return `the plan was made while ${active} was active, ${roles.active} is now`;
}

/** Whether the plan takes a generation of its own; a heal or a rejoin works within the current one. */
export function claims(plan: Plan): boolean {
  return plan.generation !== plan.parentGeneration;
}

async function lookActLook(
  deps: InterpreterDeps,
  { plan, step, action }: AttemptInput,
  signal: AbortSignal,
): Promise<Attempt> {
  const handler = handlerOf(deps.handlers, action);
  const context: StepContext = { plan, step, signal };
  if (handler.skipPrecheck !== true) {
    const before = await lookBefore(deps, { plan, step, action }, signal);
    if (before !== null)
      return {
        kind: "done",
        result: { alreadyDone: true, found: before },
        text: `already done: ${before}`,
      };
  }
  const result = await handler.run(action, context);
  const request = approvalAskedBy(result);
  if (request !== null) return { kind: "approval-needed", result, ...request };
  const after = await withDeadline(
    {
      clock: deps.clock,
      limitMs: Math.max(LOOK_AFTER_MIN_MS, step.timeoutMs * LOOK_AFTER_SHARE),
      signal,
      what: `the look after ${step.id}`,
    },
    (limited) => handler.verify(action, { plan, step, signal: limited }),
  );
  if (!after.ok) {
    return {
      kind: "failed",
      error: { code: "CONFLICT", message: after.detail, hint: null, retryable: true },
    };
  }
  return { kind: "done", result, text: after.detail };
}

/** What is there if the step is already done, else null. Not being able to look is "not done". */
async function lookBefore(
  deps: InterpreterDeps,
  { plan, step, action }: AttemptInput,
  signal: AbortSignal,
): Promise<string | null> {
  const limitMs = Math.min(PRECHECK_MAX_MS, step.timeoutMs / 2);
  try {
    const seen = await withDeadline(
      { clock: deps.clock, limitMs, signal, what: `the look before ${step.id}` },
      (limited) =>
        handlerOf(deps.handlers, action).inspect(action, { plan, step, signal: limited }),
    );
    return seen.done ? seen.current : null;
  } catch (error) {
    // `run` is idempotent and will report properly whatever is wrong here.
    if (signal.aborted) throw error;
    return null;
  }
}

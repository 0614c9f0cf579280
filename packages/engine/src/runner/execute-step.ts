/**
 * One step from its first try to its end.
 *
 * 1. Every try is one journaled step `step:<id>#<n>`; what it found is recorded inside it, so a
 *    finished try is never repeated and never unrecorded.
 * 2. The wait between tries is durable; its jitter is drawn inside the try before it.
 * 3. Once it has failed or asks people, further tries (`tryAgain`) are written down only if they are news.
 * 4. A finished `open-writes` or `rejoin-site` settles the roles in a journaled step of its own: after a crash
 *    between the two, the replay settles.
 */
import {
  type Plan,
  type PlanStep,
  type RunEvent,
  type SiteId,
  type StepAction,
  type StepRecord,
  pendingStep,
  unreachable,
} from "@cloudphoenix/core";
import type { DurableContext } from "../ports/durable-context.ts";
import { type Attempt, attempt } from "./attempt.ts";
import { persist } from "./persist.ts";
import { recordOrder } from "./record-order.ts";
import { type InterpreterDeps, recordOfStep, stepOf } from "./run-session.ts";
import { settleRoles } from "./settle-roles.ts";
import type { StepOutcome } from "./step-outcome.ts";

export interface StepExecution {
  readonly plan: Plan;
  readonly step: PlanStep;
  /** Tries made earlier, before a person said "retry". */
  readonly attemptsBefore: number;
  /** Waits durably between two tries; `stop` ends the step as aborted. */
  readonly wait: (ms: number) => Promise<"go-on" | "stop">;
}

/** Runs the step named `stepId` in a context of its own. This is the body of a branch. */
export async function executeStep(
  context: DurableContext,
  plan: Plan,
  stepId: string,
  deps: InterpreterDeps,
): Promise<StepOutcome> {
  const wait = async (ms: number): Promise<"go-on"> => {
    await context.sleep(ms);
    return "go-on";
  };
  return runTries(context, { plan, step: stepOf(plan, stepId), attemptsBefore: 0, wait }, deps);
}

/** Tries until the step is done, needs people, has used up its tries or may not go on. */
export async function runTries(
  context: DurableContext,
  execution: StepExecution,
  deps: InterpreterDeps,
): Promise<StepOutcome> {
  const { plan, step, attemptsBefore } = execution;
  const first = attemptsBefore + 1;
  const last = attemptsBefore + Math.max(1, step.retry.attempts);
  const startedAtMs = await context.step(`start:${step.id}#${first}`, () =>
    recordStart(deps, plan, step, first),
  );
  // A pause is a durable wait of the run itself: inside a try it would start over after a crash.
  if (step.action.kind === "pause" && (await execution.wait(step.action.durationMs)) === "stop") {
    return { kind: "aborted", attempts: attemptsBefore };
  }
  for (let number = first; ; number += 1) {
    const tried = await context.step(`step:${step.id}#${number}`, async (signal) => {
      const result = await attempt(deps, { plan, step, action: step.action }, signal);
      const final = number >= last || (result.kind === "failed" && !result.error.retryable);
      await recordTry(deps, { plan, step, number, startedAtMs, final }, result);
      return { result, final, jitter: deps.random.next() };
    });
    const { result } = tried;
    if (result.kind === "failed" && !tried.final) {
      const turn = await execution.wait(backoffMs(step, number - attemptsBefore, tried.jitter));
      if (turn === "stop") return { kind: "aborted", attempts: number };
      continue;
    }
    return settled(context, { plan, step, number, result }, deps);
  }
}

/** A step about which people are asked, and why. */
export interface AskedStep {
  readonly plan: Plan;
  readonly step: PlanStep;
  /** Of the journaled step; nothing else in this run has it. */
  readonly name: string;
  readonly before: StepOutcome;
}

/** One more try of a step while people are asked about it; null, and nothing written down, if it is no news. */
export async function tryAgain(
  context: DurableContext,
  { plan, step, name, before }: AskedStep,
  deps: InterpreterDeps,
): Promise<StepOutcome | null> {
  const number = before.attempts + 1;
  const result = await context.step(name, async (signal) => {
    const found = await attempt(deps, { plan, step, action: step.action }, signal);
    if (!isNews(outcomeOf(found, number), before)) return null;
    if (found.kind !== "aborted") {
      const record = await recordOfStep(deps, plan, step.id);
      const startedAtMs = record?.startedAtMs ?? deps.clock.now();
      await recordTry(deps, { plan, step, number, startedAtMs, final: true }, found);
    }
    return found;
  });
  return result === null ? null : settled(context, { plan, step, number, result }, deps);
}

/** A question stands as it was asked; a failure is another one if its code is. */
function isNews(now: StepOutcome, before: StepOutcome): boolean {
  if (now.kind === "approval-needed") return before.kind === "failed";
  if (now.kind !== "failed") return true;
  return before.kind === "failed" && before.error.code !== now.error.code;
}

interface TriedStep {
  readonly plan: Plan;
  readonly step: PlanStep;
  readonly number: number;
  readonly result: Attempt;
}

/** The outcome of the last try, with what it means for the roles. */
async function settled(
  context: DurableContext,
  { plan, step, number, result }: TriedStep,
  deps: InterpreterDeps,
): Promise<StepOutcome> {
  const outcome = result.kind === "done" ? settledBy(step.action) : null;
  if (outcome !== null) {
    const name = `settle:${step.id}#${number}`;
    const stale = await settleRoles(context, deps, plan, { name, ...outcome });
    if (stale !== null) return { kind: "superseded", attempts: number, detail: stale };
  }
  return outcomeOf(result, number);
}

/** What a finished step means for the roles; null if nothing. */
function settledBy(
  action: StepAction,
): { readonly active: SiteId; readonly protected: boolean } | null {
  if (action.kind === "open-writes") return { active: action.site, protected: false };
  if (action.kind === "rejoin-site") return { active: action.writer, protected: true };
  return null;
}

/** Exponential with a cap, and between half and all of it so that many runs do not beat as one. */
export function backoffMs(step: PlanStep, triesDone: number, jitter: number): number {
  const full = Math.min(step.retry.backoffMaxMs, step.retry.backoffMs * 2 ** (triesDone - 1));
  return Math.round(full * (0.5 + jitter / 2));
}

function outcomeOf(result: Attempt, attempts: number): StepOutcome {
  switch (result.kind) {
    case "done":
    case "aborted":
      return { kind: result.kind, attempts };
    case "approval-needed":
      return {
        kind: result.kind,
        attempts,
        approvers: result.approvers,
        question: result.question,
      };
    case "failed":
      return { kind: result.kind, attempts, error: result.error };
    case "superseded":
      return { kind: result.kind, attempts, detail: result.detail };
    default:
      return unreachable(result);
  }
}

/** Notes the start and returns it; a step that had started before keeps its first start. */
async function recordStart(
  deps: InterpreterDeps,
  plan: Plan,
  step: PlanStep,
  number: number,
): Promise<number> {
  const nowMs = deps.clock.now();
  return persist(deps.clock, async () => {
    const run = await deps.runs.get(plan.id);
    const before = run?.steps.find((candidate) => candidate.id === step.id);
    const startedAtMs = before?.startedAtMs ?? nowMs;
    const attempts = number - 1;
    const record = { ...blank(step, startedAtMs), status: "running", attempts } as const;
    await deps.runs.putStep(plan.id, record, recordOrder(attempts, "started"));
    await deps.runs.addEvent({
      runId: plan.id,
      key: `start:${step.id}#${number}`,
      atMs: nowMs,
      kind: "step-started",
      step: step.id,
      text: step.title,
    });
    return startedAtMs;
  });
}

interface Try {
  readonly plan: Plan;
  readonly step: PlanStep;
  readonly number: number;
  readonly startedAtMs: number;
  /** Whether a failure now is the end of the step. */
  readonly final: boolean;
}

async function recordTry(deps: InterpreterDeps, tried: Try, result: Attempt): Promise<void> {
  // A superseded run writes nothing about the step any more: the newer run owns the story.
  if (result.kind === "superseded") return;
  const { plan, step, number } = tried;
  const atMs = deps.clock.now();
  const line = lineOf(tried, result);
  const record = recordOf(tried, result, atMs);
  const moment = record.status === "running" ? "tried" : "ended";
  await persist(deps.clock, async () => {
    await deps.runs.putStep(plan.id, record, recordOrder(number, moment));
    if (line === null) return;
    await deps.runs.addEvent({
      runId: plan.id,
      key: `step:${step.id}#${number}`,
      atMs,
      step: step.id,
      ...line,
    });
  });
}

function recordOf(tried: Try, result: Attempt, atMs: number): StepRecord {
  const base = { ...blank(tried.step, tried.startedAtMs), attempts: tried.number };
  switch (result.kind) {
    case "done":
      return { ...base, status: "done", endedAtMs: atMs, result: result.result };
    case "approval-needed":
      return { ...base, status: "running", result: result.result };
    case "failed":
      return tried.final
        ? { ...base, status: "failed", endedAtMs: atMs, error: result.error }
        : { ...base, status: "running", error: result.error };
    case "aborted":
    case "superseded":
      return { ...base, status: "running" };
    default:
      return unreachable(result);
  }
}

function lineOf(tried: Try, result: Attempt): Pick<RunEvent, "kind" | "text"> | null {
  switch (result.kind) {
    case "done":
      return { kind: "step-done", text: result.text };
    case "approval-needed":
      return { kind: "approval-asked", text: result.question };
    case "failed":
      return tried.final
        ? { kind: "step-failed", text: result.error.message }
        : { kind: "step-retried", text: result.error.message };
    case "aborted":
    case "superseded":
      return null;
    default:
      return unreachable(result);
  }
}

function blank(step: PlanStep, startedAtMs: number): StepRecord {
  return { ...pendingStep(step.id), startedAtMs };
}

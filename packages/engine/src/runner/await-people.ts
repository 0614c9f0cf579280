/** Where a run stops until people speak, or what held it up has passed: approvals, and steps that failed. */
import {
  maySkip,
  type PlanStep,
  type RunCommand,
  type StepRecord,
  peopleText,
} from "@cloudphoenix/core";
import { PeopleOrNews } from "./look-meanwhile.ts";
import { persist } from "./persist.ts";
import { personOf } from "./person.ts";
import { recordOrder } from "./record-order.ts";
import { type CancelCommand, actOn, actOnArrived, refuse } from "./operator-commands.ts";
import { type Note, type RunSession, note, recordOfStep, writeNote } from "./run-session.ts";
import type { Failure, Question, StepOutcome } from "./step-outcome.ts";

/** A question as it stands. */
interface Standing {
  readonly people: ReadonlySet<string>;
  readonly needed: number;
  readonly step: PlanStep;
}

export type ApprovalAnswer =
  | { readonly kind: "approved" }
  /** Nobody answered within the time an approval step allows. */
  | { readonly kind: "expired" }
  /** Nobody has to answer any more. */
  | { readonly kind: "news"; readonly outcome: StepOutcome }
  | { readonly kind: "cancel"; readonly command: CancelCommand };

/**
 * Asks a question with a number of its own and waits until `approvers` distinct people approved that
 * number. What was said before, or of another question, is refused: nobody can agree to what they
 * did not see.
 */
export async function awaitApproval(
  session: RunSession,
  step: PlanStep,
  outcome: Question,
): Promise<ApprovalAnswer> {
  const { approvers, question } = outcome;
  const needed = Math.max(1, approvers);
  const people = new Set<string>();
  const early = await actOnArrived(session);
  if (early !== null) return { kind: "cancel", command: early };
  session.questions += 1;
  await note(session, waitingForApproval(session, question, needed));
  // A question that a step raises half-way through a move waits as long as it takes.
  const limitMs = step.action.kind === "approval" ? step.timeoutMs : Number.POSITIVE_INFINITY;
  const waiting = new PeopleOrNews(session, { step, outcome, limitMs });
  while (people.size < needed) {
    const waited = await waiting.next();
    if (waited.kind !== "command") return waited;
    const { command } = waited;
    if (command.kind !== "approve") {
      const cancel = await actOn(session, command);
      if (cancel !== null) return { kind: "cancel", command: cancel };
      continue;
    }
    const refusal = refusalOf(session, command, { people, needed, step });
    if (refusal !== null) {
      await refuse(session, command, refusal);
      continue;
    }
    people.add(personOf(command.by));
    const missing = needed - people.size;
    const atMs = await instant(session);
    await note(session, {
      ...(missing > 0 ? waitingForApproval(session, question, missing) : {}),
      approval: { by: command.by, comment: command.comment, atMs },
      event: { kind: "approved", step: step.id, text: `approved by ${command.by}` },
      audit: {
        who: command.by,
        what: `approve question ${session.questions} of run ${session.plan.id}: ${question}`,
        why: command.comment,
      },
    });
  }
  await endStep(session, step, "approved", (record) => ({ ...record, status: "done" }));
  return { kind: "approved" };
}

export type FailureAnswer =
  | { readonly kind: "retry" }
  | { readonly kind: "skipped" }
  /** It has got further by itself. */
  | { readonly kind: "news"; readonly outcome: StepOutcome }
  | { readonly kind: "cancel"; readonly command: CancelCommand };

/**
 * Waits until an operator says what becomes of a failed step. A retry or skip that came before the
 * failure is refused: it was said of another one, or of none.
 */
export async function awaitOperator(
  session: RunSession,
  step: PlanStep,
  outcome: Failure,
): Promise<FailureAnswer> {
  const early = await actOnArrived(session);
  if (early !== null) return { kind: "cancel", command: early };
  const text = `step ${step.id} failed: ${outcome.error.message}; retry, skip or cancel`;
  await note(session, {
    status: "needs-attention",
    waitingFor: text,
    event: { kind: "waiting", step: step.id, text },
  });
  const limitMs = Number.POSITIVE_INFINITY;
  const waiting = new PeopleOrNews(session, { step, outcome, limitMs });
  for (;;) {
    const waited = await waiting.next();
    if (waited.kind === "expired") continue;
    if (waited.kind === "news") return waited;
    const { command } = waited;
    if (command.kind === "retry" && command.step === step.id) {
      await note(session, {
        status: "running",
        event: { kind: "resumed", step: step.id, text: `${command.by} retries ${step.id}` },
      });
      return { kind: "retry" };
    }
    if (command.kind === "skip" && command.step === step.id) {
      if (await skip(session, step, command)) return { kind: "skipped" };
      continue;
    }
    const cancel = await actOn(session, command);
    if (cancel !== null) return { kind: "cancel", command: cancel };
  }
}

async function skip(
  session: RunSession,
  step: PlanStep,
  command: Extract<RunCommand, { readonly kind: "skip" }>,
): Promise<boolean> {
  if (!maySkip(step.action.kind)) {
    await refuse(session, command, `${step.id} protects the data; retry it or cancel the run`);
    return false;
  }
  const { by, reason } = command;
  await endStep(session, step, "skipped", (record) => ({
    ...record,
    status: "skipped",
    skipped: { by, reason },
  }));
  await note(session, {
    status: "running",
    event: { kind: "step-skipped", step: step.id, text: `skipped by ${by}: ${reason}` },
    audit: { who: by, what: `skip step ${step.id} of run ${session.plan.id}`, why: reason },
  });
  return true;
}

/** Ends the record of `step` in a journaled step. */
async function endStep(
  session: RunSession,
  step: PlanStep,
  how: "approved" | "skipped",
  change: (record: StepRecord) => StepRecord,
): Promise<void> {
  const { deps, plan, context } = session;
  session.notes += 1;
  const key = `${how}:${step.id}#${session.notes}`;
  await context.step(key, async () => {
    const endedAtMs = deps.clock.now();
    const record = await recordOfStep(deps, plan, step.id);
    if (record !== undefined) {
      const ended = { ...change(record), endedAtMs };
      const order = recordOrder(record.attempts, "answered");
      await persist(deps.clock, () => deps.runs.putStep(plan.id, ended, order));
    }
    if (how === "approved") {
      await writeNote(session, key, {
        status: "running",
        event: { kind: "step-done", step: step.id, text: "approved by enough people" },
      });
    }
    return null;
  });
}

/** The time, fixed in the journal: recording the approval twice must not make it two. */
async function instant(session: RunSession): Promise<number> {
  session.notes += 1;
  return session.context.step(`instant:${session.notes}`, async () => session.deps.clock.now());
}

function waitingForApproval(
  { questions: question }: RunSession,
  text: string,
  missing: number,
): Pick<Note, "status" | "waitingFor" | "question"> {
  const waitingFor = `approval by ${peopleText(missing)}: ${text}`;
  return { status: "waiting-approval", waitingFor, question };
}

function refusalOf(
  session: RunSession,
  command: Extract<RunCommand, { readonly kind: "approve" }>,
  { people, needed, step }: Standing,
): string | null {
  if (command.question !== session.questions) {
    return `it is for question ${command.question}, open is question ${session.questions}`;
  }
  const person = personOf(command.by);
  if (people.has(person)) return "this person has approved already";
  // Of two different people one is somebody else anyway.
  if (needed === 1 && wantsAnother(step) && person === personOf(session.startedBy)) {
    return "this person started the run, and another one must agree to it";
  }
  return null;
}

function wantsAnother({ action }: PlanStep): boolean {
  return action.kind === "approval" && action.another === true;
}

/**
 * What one execution of a run knows and how it writes it down.
 *
 * 1. Fields change only from values returned by the durable context, so a replay ends up with the
 *    same session.
 * 2. Everything that reads the clock or a store happens inside `journal`, under a unique name.
 * 3. Event keys are made from those names: writing an event again is harmless.
 */
import {
  type Approval,
  FINAL_RUN_STATUSES,
  type Json,
  type Plan,
  type PlanStep,
  type RunCommand,
  type RunEvent,
  type RunStatus,
  type StepRecord,
} from "@cloudphoenix/core";
import type { Clock, Random } from "../ports/clock.ts";
import type { DurableContext } from "../ports/durable-context.ts";
import type { AuditLog, RoleStore, RunStore } from "../ports/state-store.ts";
import type { StepHandlers } from "../steps/step-handler.ts";
import { persist } from "./persist.ts";
import type { StepOutcome } from "./step-outcome.ts";

/** What the interpreter needs besides the durable context. */
export interface InterpreterDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly roles: RoleStore;
  readonly runs: RunStore;
  readonly audit: AuditLog;
  readonly handlers: StepHandlers;
}

export interface RunSession {
  readonly context: DurableContext;
  readonly plan: Plan;
  readonly deps: InterpreterDeps;
  readonly startedBy: string;
  /** Steps that began, in order; the newest is undone first. */
  readonly begun: PlanStep[];
  /** Newest outcome per step that began. */
  readonly outcomes: Map<string, StepOutcome>;
  /** Commands taken from the context but not yet acted on. */
  readonly held: RunCommand[];
  /** Who asked for a pause that has not happened yet. */
  pauseAskedBy: string | null;
  /** The run that this one makes room for and leaves everything to; null if none. */
  leftTo: string | null;
  /** How many questions people were asked; the newest one has this number. */
  questions: number;
  /** How many notes were written; makes their names unique and puts their statuses in order. */
  notes: number;
}

/** What one note changes; all of it is optional. */
export interface Note {
  readonly status?: RunStatus;
  /** What the run waits for; only read together with `status`. */
  readonly waitingFor?: string;
  /** The question that is open; only read together with `status`. */
  readonly question?: number;
  readonly event?: {
    readonly kind: RunEvent["kind"];
    readonly step?: string;
    readonly text: string;
  };
  readonly approval?: Approval;
  readonly audit?: { readonly who: string; readonly what: string; readonly why: string };
}

/** Opens the session of a run that starts or is replayed. */
export function openSession(
  context: DurableContext,
  plan: Plan,
  deps: InterpreterDeps,
  startedBy: string,
): RunSession {
  return {
    context,
    plan,
    deps,
    startedBy,
    begun: [],
    outcomes: new Map(),
    held: [],
    pauseAskedBy: null,
    leftTo: null,
    questions: 0,
    notes: 0,
  };
}

/** Writes a note down as one journaled step. */
export async function note(session: RunSession, content: Note): Promise<void> {
  session.notes += 1;
  const key = `note:${session.notes}`;
  await session.context.step(key, async () => {
    await writeNote(session, key, content);
    return null;
  });
}

/** Writes a note under `key`; call it inside a journaled step. */
export async function writeNote(session: RunSession, key: string, content: Note): Promise<void> {
  const { clock, runs, audit } = session.deps;
  const runId = session.plan.id;
  const order = session.notes;
  const atMs = clock.now();
  const { status, event, approval } = content;
  await persist(clock, async () => {
    if (approval !== undefined) await runs.addApproval(runId, approval);
    if (event !== undefined) {
      await runs.addEvent({
        runId,
        key,
        atMs,
        step: event.step ?? null,
        kind: event.kind,
        text: event.text,
      });
    }
    if (status !== undefined) {
      await runs.setStatus(runId, {
        status,
        waitingFor: content.waitingFor ?? null,
        question: content.question ?? null,
        endedAtMs: FINAL_RUN_STATUSES.includes(status) ? atMs : null,
        order,
      });
    }
  });
  if (content.audit !== undefined) {
    const entry = { atMs, ...content.audit, detail: { run: runId, key } satisfies Json };
    await persist(clock, () => audit.append(entry));
  }
}

/** What is on record of a step; call it inside a journaled step. */
export async function recordOfStep(
  { clock, runs }: InterpreterDeps,
  plan: Plan,
  stepId: string,
): Promise<StepRecord | undefined> {
  const run = await persist(clock, () => runs.get(plan.id));
  return run?.steps.find(({ id }) => id === stepId);
}

/** The step of the plan with this id. @throws {RangeError} if there is none */
export function stepOf(plan: Plan, id: string): PlanStep {
  const step = plan.steps.find((candidate) => candidate.id === id);
  if (step === undefined) throw new RangeError(`plan ${plan.id} has no step ${id}`);
  return step;
}

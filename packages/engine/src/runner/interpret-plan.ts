/**
 * Runs a plan. The same code runs in memory under a virtual clock and in a durable engine,
 * because it reaches the world only through `DurableContext`.
 *
 * 1. Everything decided here depends only on the plan and on values returned by the context, and
 *    calls on the context are made in the same order on every replay.
 * 2. The first thing a run does is to claim its generation (a heal or a rejoin: to check it); a run
 *    whose generation is not the current one, or that was planned while another site was active,
 *    ends `superseded` and touches nothing more.
 * 3. A wave begins only after every step of the waves before it is done, skipped with a reason,
 *    or was best effort.
 * 4. A single step runs here; several run as branches, each journaled on its own.
 * 5. Commands are taken between waves and wherever the run waits. Cancel also aborts the step in
 *    flight. Once writes are open at the target, cancel is refused (`cancel-barrier.ts`). A move that
 *    another one takes the place of ends `superseded` and undoes nothing.
 * 6. A run ends exactly once, in one of the final statuses, and never by an exception for
 *    anything an operator or the world may do.
 */
import {
  type Plan,
  type PlanStep,
  type RunStatus,
  activeSiteOf,
  hasCode,
  messageOf,
  unreachable,
  wavesOf,
} from "@cloudphoenix/core";
import type { DurableContext } from "../ports/durable-context.ts";
import { claims, staleness } from "./attempt.ts";
import { hasOpened } from "./cancel-barrier.ts";
import { awaitApproval, awaitOperator } from "./await-people.ts";
import { runTries } from "./execute-step.ts";
import { drainCommands, refuse, takeCommand } from "./operator-commands.ts";
import { persist } from "./persist.ts";
import {
  type InterpreterDeps,
  type RunSession,
  note,
  openSession,
  stepOf,
  writeNote,
} from "./run-session.ts";
import { type StepFailure, type StepOutcome, asStepOutcome, mayPass } from "./step-outcome.ts";
import { undoRun } from "./undo-run.ts";

/** How the interpreter goes on after a wave or a step. */
type Course =
  | { readonly kind: "next" }
  | { readonly kind: "undo" }
  | { readonly kind: "end"; readonly status: RunStatus; readonly text: string };

const EXPIRED: StepFailure = {
  code: "APPROVAL_REQUIRED",
  message: "nobody approved in time",
  hint: "Retry the step to ask again, or cancel the run.",
  retryable: false,
};

/** How long an aborted step waits for the cancel that aborted it before it is tried again. */
const CANCEL_ARRIVES_MS = 5_000;

/**
 * Runs `plan` to its end and returns the final status. `startedBy` is `decision` or
 * `operator:<name>`.
 * @throws {RangeError} for a plan whose steps can never all start; the linter refuses those
 */
export async function interpretPlan(
  context: DurableContext,
  plan: Plan,
  deps: InterpreterDeps,
  startedBy: string,
): Promise<RunStatus> {
  const session = openSession(context, plan, deps, startedBy);
  const waves = wavesOf(plan);
  await begin(session);
  const stale = await claim(session);
  if (stale !== null) return end(session, "superseded", stale);
  for (const wave of waves) {
    const course = await runWave(
      session,
      wave.map((id) => stepOf(plan, id)),
    );
    if (course.kind === "undo") return goBack(session);
    if (course.kind === "end") return end(session, course.status, course.text);
  }
  return end(session, "completed", "every step is done");
}

async function begin(session: RunSession): Promise<void> {
  const { plan, deps, startedBy } = session;
  await session.context.step("run:begin", async () => {
    const atMs = deps.clock.now();
    await persist(deps.clock, () => deps.runs.create({ plan, startedBy, atMs }));
    await writeNote(session, "run:begin", {
      status: "running",
      event: { kind: "run-started", text: `${plan.kind} started by ${startedBy}: ${plan.reason}` },
      audit: { who: startedBy, what: `start run ${plan.id} (${plan.kind})`, why: plan.reason },
    });
    return null;
  });
}

/** Why the run may not go on; null if it holds its generation. */
async function claim(session: RunSession): Promise<string | null> {
  const { plan, deps } = session;
  const active = activeSiteOf(plan);
  return session.context.step("run:claim", async () => {
    if (active === null || !claims(plan)) return staleness(deps, plan);
    try {
      await persist(deps.clock, () => deps.roles.claim(plan.id, plan.generation, active));
      return null;
    } catch (error) {
      if (hasCode(error, "STALE_GENERATION")) return messageOf(error);
      throw error;
    }
  });
}

async function runWave(session: RunSession, steps: readonly PlanStep[]): Promise<Course> {
  if ((await drainCommands(session)) !== null) return { kind: "undo" };
  session.begun.push(...steps);
  const outcomes = await startSteps(session, steps);
  // What held one step of the wave up and has passed may have held up the others, too.
  let passed = false;
  for (const [index, step] of steps.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) throw new RangeError(`no outcome for step ${step.id}`);
    const first =
      passed && mayPass(outcome) ? await runInline(session, step, outcome.attempts) : outcome;
    const course = await follow(session, step, first);
    if (course.kind !== "next") return course;
    passed ||= outcome.kind === "failed" && session.outcomes.get(step.id)?.kind === "done";
  }
  return { kind: "next" };
}

async function startSteps(
  session: RunSession,
  steps: readonly PlanStep[],
): Promise<readonly StepOutcome[]> {
  const [only, ...others] = steps;
  if (only === undefined) return [];
  if (others.length === 0) return [await runInline(session, only, 0)];
  const ids = steps.map((step) => step.id);
  const answers = await session.context.branches(session.plan, ids);
  const outcomes = answers.map(asStepOutcome);
  for (const [index, outcome] of outcomes.entries()) {
    const step = steps[index];
    if (step !== undefined) session.outcomes.set(step.id, outcome);
  }
  return outcomes;
}

/** Runs a step here, so that a command can end the wait between two tries. */
async function runInline(
  session: RunSession,
  step: PlanStep,
  attemptsBefore: number,
): Promise<StepOutcome> {
  const { context, plan, deps } = session;
  const wait = async (ms: number): Promise<"go-on" | "stop"> => {
    for (;;) {
      const command = await context.receive(ms);
      if (command === null) return "go-on";
      session.held.push(command);
      if (command.kind === "cancel") return "stop";
    }
  };
  const outcome = await runTries(context, { plan, step, attemptsBefore, wait }, deps);
  session.outcomes.set(step.id, outcome);
  return outcome;
}

/** Goes from the first outcome of a step to where the run goes next, asking people if need be. */
async function follow(session: RunSession, step: PlanStep, first: StepOutcome): Promise<Course> {
  let outcome = first;
  for (;;) {
    switch (outcome.kind) {
      case "done":
        return { kind: "next" };
      case "superseded":
        return { kind: "end", status: "superseded", text: outcome.detail };
      case "aborted": {
        if ((await drainCommands(session, CANCEL_ARRIVES_MS)) !== null) return { kind: "undo" };
        break;
      }
      case "approval-needed": {
        const answer = await awaitApproval(session, step, outcome);
        if (answer.kind === "cancel") return { kind: "undo" };
        if (answer.kind === "approved") {
          session.outcomes.set(step.id, { kind: "done", attempts: outcome.attempts });
          return { kind: "next" };
        }
        outcome =
          answer.kind === "news"
            ? answer.outcome
            : { kind: "failed", attempts: outcome.attempts, error: EXPIRED };
        continue;
      }
      case "failed": {
        if (step.bestEffort) return { kind: "next" };
        if (session.plan.onFailure === "give-up") {
          const text = `step ${step.id} failed: ${outcome.error.message}`;
          return { kind: "end", status: "failed", text };
        }
        const answer = await awaitOperator(session, step, outcome);
        if (answer.kind === "cancel") return { kind: "undo" };
        if (answer.kind === "skipped") return { kind: "next" };
        if (answer.kind === "retry") break;
        outcome = answer.outcome;
        continue;
      }
      default:
        return unreachable(outcome);
    }
    outcome = await runInline(session, step, outcome.attempts);
  }
}

async function goBack(session: RunSession): Promise<RunStatus> {
  if (session.leftTo !== null) return end(session, "superseded", leftText(session, session.leftTo));
  const result = await undoRun(session);
  if (result.status !== "undone") return end(session, result.status, result.detail);
  return end(session, "undone", "everything that began was taken back");
}

function leftText(session: RunSession, by: string): string {
  const { plan, outcomes } = session;
  const left = plan.steps.filter(({ id }) => outcomes.get(id)?.kind !== "done");
  const names = left.map(({ id }) => id).join(", ");
  const where = hasOpened(session) ? `writes are open at ${plan.to}` : "nothing is taken back";
  return `${where}; it makes room for ${by}, and this was not done: ${names}`;
}

async function end(session: RunSession, status: RunStatus, text: string): Promise<RunStatus> {
  const { plan, startedBy } = session;
  await answerLateCommands(session);
  await note(session, {
    status,
    event: { kind: "run-ended", text: `${status}: ${text}` },
    audit: { who: startedBy, what: `run ${plan.id} ended ${status}`, why: text },
  });
  return status;
}

/** What arrived too late to change anything is answered all the same. */
async function answerLateCommands(session: RunSession): Promise<void> {
  for (;;) {
    const command = await takeCommand(session, 0);
    if (command === null) return;
    await refuse(session, command, "the run is over");
  }
}

/**
 * Takes a cancelled run back.
 *
 * 1. Newest first, one at a time, each try journaled as `undo:<id>#<n>`.
 * 2. Steps that began but have no known end are undone too: their effect may be there.
 * 3. Each try checks the generation: a newer plan's world is not touched.
 * 4. An undo that keeps failing leaves the run `stuck`, a person is needed, and older steps stay:
 *    undoing them out of order could open a site that must stay shut.
 * 5. Taking back is an epoch of its own: the run claims the next generation for it. Requests of the
 *    run itself that were thought lost, for instance a fence sent into a cut network, may arrive
 *    long after the undo; for an older generation they are refused, for the same one they would
 *    shut the site again and nobody would know. If a stale executor of the run has opened writes at
 *    the target and settled that, the claim is refused: there is nothing to take back any more.
 */
import {
  type Plan,
  type PlanStep,
  type StepAction,
  type StepRecord,
  activeSiteOf,
  hasCode,
  messageOf,
} from "@cloudphoenix/core";
import { handlerOf } from "../steps/step-handler.ts";
import { type Attempt, attempt, claims, staleness } from "./attempt.ts";
import { backoffMs } from "./execute-step.ts";
import { persist } from "./persist.ts";
import { recordOrder } from "./record-order.ts";
import { type RunSession, note } from "./run-session.ts";
import { settleRoles } from "./settle-roles.ts";
import { failureOf } from "./step-outcome.ts";
import { withDeadline } from "../waiting/with-deadline.ts";

/** An undo is worth more patience than a step: giving up needs a person at once. */
const UNDO_TRIES_MIN = 5;

export type UndoResult =
  | { readonly status: "undone" }
  | { readonly status: "stuck"; readonly detail: string }
  | { readonly status: "superseded"; readonly detail: string };

/** Undoes everything that began. Safe to repeat: every undo is idempotent. */
export async function undoRun(session: RunSession): Promise<UndoResult> {
  const refusal = await claimUndo(session);
  if (refusal !== null) return { status: "superseded", detail: refusal };
  for (const step of session.begun.toReversed()) {
    const result = await undoStep(session, step);
    if (result.kind === "superseded") return { status: "superseded", detail: result.detail };
    if (result.kind === "failed") {
      return { status: "stuck", detail: `undo of ${step.id} failed: ${result.error.message}` };
    }
  }
  if (!session.begun.some((step) => touchesReplication(step.action))) return { status: "undone" };
  const stale = await settleRoles(session.context, session.deps, undoPlanOf(session), {
    name: "settle:undo",
    active: session.plan.from,
  });
  return stale === null ? { status: "undone" } : { status: "superseded", detail: stale };
}

/** Claims the generation of the undo. @returns why the run may not act any more; null if it may */
async function claimUndo(session: RunSession): Promise<string | null> {
  const { context, deps } = session;
  const { id, generation } = undoPlanOf(session);
  const active = activeSiteOf(session.plan);
  if (active === null || generation === session.plan.generation) return null;
  return context.step("undo:claim", async () => {
    const stale = await staleness(deps, session.plan);
    try {
      // Claimed already, before a crash: then the plan's own generation is the stale one.
      await persist(deps.clock, () => deps.roles.claim(id, generation, active));
      return null;
    } catch (error) {
      if (hasCode(error, "STALE_GENERATION")) return stale ?? messageOf(error);
      throw error;
    }
  });
}

/** The plan as its undo acts for it; the same plan if it took no generation or nothing acts. */
function undoPlanOf(session: RunSession): Plan {
  const { plan } = session;
  const acts = session.begun.some((step) => isActing(session, step));
  if (!claims(plan) || !acts) return plan;
  return { ...plan, generation: plan.generation + 1, parentGeneration: plan.generation };
}

/** Whether taking the step back does anything at all. */
function isActing(session: RunSession, step: PlanStep): boolean {
  return step.undo.kind === "action" || isRevoked(session, step);
}

function isRevoked({ deps, outcomes }: RunSession, step: PlanStep): boolean {
  return (
    step.undo.kind === "none" &&
    outcomes.get(step.id)?.kind !== "done" &&
    handlerOf(deps.handlers, step.action).revoke !== undefined
  );
}

async function undoStep(session: RunSession, step: PlanStep): Promise<Attempt> {
  if (step.undo.kind === "none" && !isRevoked(session, step)) {
    const text = `left as it is: ${step.undo.reason}`;
    await note(session, { event: { kind: "step-undone", step: step.id, text } });
    return { kind: "done", result: null, text };
  }
  const triesMax = Math.max(UNDO_TRIES_MIN, step.retry.attempts);
  let failures = 0;
  for (let number = 1; ; number += 1) {
    const tried = await session.context.step(`undo:${step.id}#${number}`, async (signal) => {
      const result = await tryUndo(session, step, signal);
      const final = result.kind === "failed" && failures + 1 >= triesMax;
      await recordUndo(session, { step, number, final }, result);
      return { result, jitter: session.deps.random.next() };
    });
    // A second cancel aborts the try in flight; that is no reason to give up.
    if (tried.result.kind === "aborted") continue;
    if (tried.result.kind !== "failed") return tried.result;
    failures += 1;
    if (failures >= triesMax) return tried.result;
    await session.context.sleep(backoffMs(step, failures, tried.jitter));
  }
}

async function tryUndo(session: RunSession, step: PlanStep, signal: AbortSignal): Promise<Attempt> {
  const { deps } = session;
  const plan = undoPlanOf(session);
  if (step.undo.kind === "action") {
    return attempt(deps, { plan, step, action: step.undo.action }, signal);
  }
  const stale = await staleness(deps, plan);
  if (stale !== null) return { kind: "superseded", detail: stale };
  try {
    await withDeadline(
      { clock: deps.clock, limitMs: step.timeoutMs, signal, what: `revoking ${step.id}` },
      async (limited) => {
        const handler = handlerOf(deps.handlers, step.action);
        await handler.revoke?.(step.action, { plan, step, signal: limited });
      },
    );
    return { kind: "done", result: null, text: "what was left of it is revoked" };
  } catch (error) {
    return signal.aborted ? { kind: "aborted" } : { kind: "failed", error: failureOf(error) };
  }
}

async function recordUndo(
  session: RunSession,
  tried: { readonly step: PlanStep; readonly number: number; readonly final: boolean },
  result: Attempt,
): Promise<void> {
  const { plan, deps } = session;
  const { step, number, final } = tried;
  if (result.kind === "superseded" || result.kind === "aborted") return;
  const failed = result.kind === "failed";
  const text = failed ? `undo failed: ${result.error.message}` : "undone";
  const atMs = deps.clock.now();
  await persist(deps.clock, async () => {
    const run = await deps.runs.get(plan.id);
    const record = run?.steps.find((candidate) => candidate.id === step.id);
    if (record !== undefined && (final || !failed)) {
      const ended: StepRecord = {
        ...record,
        status: failed ? "undo-failed" : "undone",
        error: failed ? result.error : record.error,
      };
      await deps.runs.putStep(plan.id, ended, recordOrder(record.attempts, "undone"));
    }
    await deps.runs.addEvent({
      runId: plan.id,
      key: `undo:${step.id}#${number}`,
      atMs,
      step: step.id,
      kind: failed && !final ? "step-retried" : failed ? "step-failed" : "step-undone",
      text,
    });
  });
}

/** Whether the step may have cut the standby off from what it follows. */
function touchesReplication(action: StepAction): boolean {
  return action.kind === "promote-database" || action.kind === "open-writes";
}

/**
 * Where a cancel would do harm.
 *
 * 1. Once writes are open at the target, clients are told "saved" there: taking the plan back would
 *    lose those writes or let two sites accept writes.
 * 2. Once the target is promoted it follows nobody any more. While the site that is left does not answer, it
 *    cannot be opened again either: nobody could write, and no move could go to the target.
 */
import { type PlanStep, type StepAction, messageOf } from "@cloudphoenix/core";
import { handlerOf } from "../steps/step-handler.ts";
import { persist } from "./persist.ts";
import { recordOrder } from "./record-order.ts";
import { type RunSession, note, recordOfStep } from "./run-session.ts";
import { settleRoles } from "./settle-roles.ts";
import { withDeadline } from "../waiting/with-deadline.ts";

const LOOK_MAX_MS = 5_000;

type Seen = "done" | "not done" | { readonly unclear: string };

/**
 * Why this run must not be undone now; null if it may. A step that began to open writes and
 * failed may have opened them all the same: then the site itself is asked.
 */
export async function cancelRefusal(session: RunSession): Promise<string | null> {
  const opening = session.begun.find((step) => step.action.kind === "open-writes");
  if (opening === undefined) return null;
  const { action } = opening;
  if (action.kind !== "open-writes") return null;
  const refusal = `writes are open at ${action.site}; finish the run, then move back with a switchover`;
  if (session.outcomes.get(opening.id)?.kind === "done") return refusal;

  session.notes += 1;
  const name = `barrier:${session.notes}`;
  const seen = await session.context.step(name, (signal) =>
    look(session, { step: opening, action }, signal),
  );
  if (seen === "not done") return null;
  if (seen !== "done") {
    return `whether writes are open at ${action.site} is not known (${seen.unclear}); try again when it answers`;
  }
  await settleRoles(session.context, session.deps, session.plan, {
    name: `settle:${name}`,
    active: action.site,
  });
  await noteOpened(session, opening.id, name);
  await note(session, {
    event: {
      kind: "waiting",
      step: opening.id,
      text: `writes turned out to be open at ${action.site}`,
    },
  });
  return refusal;
}

/** Why a cancel would leave nobody who can write; null if it would not, as far as anybody can tell. */
export async function strandedBy(session: RunSession): Promise<string | null> {
  const { plan, begun, context } = session;
  const promotion = begun.find((step) => step.action.kind === "promote-database");
  if (promotion === undefined) return null;
  session.notes += 1;
  return context.step(`stranded:${session.notes}`, async (signal) => {
    if ((await look(session, { step: promotion, action: promotion.action }, signal)) !== "done") {
      return null;
    }
    const reopened = begun.find(
      ({ undo }) => undo.kind === "action" && undo.action.kind === "unfence-site",
    );
    if (reopened?.undo.kind !== "action") return null;
    const left = await look(session, { step: reopened, action: reopened.undo.action }, signal);
    if (typeof left === "string") return null;
    return (
      `${plan.to} is promoted, and ${plan.from} does not answer (${left.unclear}): nobody could write. ` +
      "Let it go on, or cancel with --abandon to leave things as they are"
    );
  });
}

/** The opening is done, whatever its tries said: a move that is needed now need not wait for it. */
async function noteOpened(session: RunSession, stepId: string, barrier: string): Promise<void> {
  const { context, deps, plan } = session;
  const attempts = await context.step(`opened:${barrier}`, async () => {
    const record = await recordOfStep(deps, plan, stepId);
    if (record === undefined) return 0;
    const done = { ...record, status: "done", error: null, endedAtMs: deps.clock.now() } as const;
    const order = recordOrder(record.attempts, "answered");
    await persist(deps.clock, () => deps.runs.putStep(plan.id, done, order));
    return record.attempts;
  });
  session.outcomes.set(stepId, { kind: "done", attempts });
}

/** Whether a finished step of this run has opened writes at its target. */
export function hasOpened({ begun, outcomes }: RunSession): boolean {
  const opening = begun.find((step) => step.action.kind === "open-writes");
  return opening !== undefined && outcomes.get(opening.id)?.kind === "done";
}

/** Whether an action shows in the world. */
async function look(
  { plan, deps }: RunSession,
  { step, action }: { readonly step: PlanStep; readonly action: StepAction },
  signal: AbortSignal,
): Promise<Seen> {
  try {
    const seen = await withDeadline(
      { clock: deps.clock, limitMs: LOOK_MAX_MS, signal, what: `the look at ${step.id}` },
      (limited) =>
        handlerOf(deps.handlers, action).inspect(action, { plan, step, signal: limited }),
    );
    return seen.done ? "done" : "not done";
  } catch (error) {
    return { unclear: messageOf(error) };
  }
}

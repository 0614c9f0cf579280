/**
 * The point of no return: once writes are open at the target, clients are told "saved" there, and
 * taking the plan back would lose those writes or let two sites accept writes.
 */
import { messageOf } from "@cloudphoenix/core";
import { handlerOf } from "../steps/step-handler.ts";
import { persist } from "./persist.ts";
import { recordOrder } from "./record-order.ts";
import { type RunSession, note } from "./run-session.ts";
import { settleRoles } from "./settle-roles.ts";
import { withDeadline } from "../waiting/with-deadline.ts";

const LOOK_MAX_MS = 5_000;

type Openness = "open" | "closed" | { readonly unclear: string };

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
  const openness = await session.context.step(name, (signal) => look(session, opening.id, signal));
  if (openness === "closed") return null;
  if (openness !== "open") {
    return `whether writes are open at ${action.site} is not known (${openness.unclear}); try again when it answers`;
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

/** The opening is done, whatever its tries said: a move that is needed now need not wait for it. */
async function noteOpened(session: RunSession, stepId: string, barrier: string): Promise<void> {
  const { context, deps, plan } = session;
  const attempts = await context.step(`opened:${barrier}`, async () => {
    const run = await persist(deps.clock, () => deps.runs.get(plan.id));
    const record = run?.steps.find(({ id }) => id === stepId);
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

async function look(session: RunSession, stepId: string, signal: AbortSignal): Promise<Openness> {
  const { plan, deps } = session;
  const step = plan.steps.find((candidate) => candidate.id === stepId);
  if (step === undefined) return { unclear: "no such step" };
  try {
    const seen = await withDeadline(
      { clock: deps.clock, limitMs: LOOK_MAX_MS, signal, what: `the look at ${stepId}` },
      (limited) =>
        handlerOf(deps.handlers, step.action).inspect(step.action, { plan, step, signal: limited }),
    );
    return seen.done ? "open" : "closed";
  } catch (error) {
    return { unclear: messageOf(error) };
  }
}

/**
 * The point of no return: once writes are open at the target, clients are told "saved" there, and
 * taking the plan back would lose those writes or let two sites accept writes.
 */
import { messageOf } from "@cloudphoenix/core";
import { handlerOf } from "../steps/step-handler.ts";
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
  await note(session, {
    event: {
      kind: "waiting",
      step: opening.id,
      text: `writes turned out to be open at ${action.site}`,
    },
  });
  return refusal;
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

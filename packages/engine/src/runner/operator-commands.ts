/**
 * What operators tell a run, taken in order of arrival.
 *
 * 1. Every command is answered with an event, also the ones refused: nobody presses a button and
 *    wonders.
 * 2. An approval is of the question it names and of nothing else.
 * 3. Whoever pauses a failover keeps it from being replaced, too.
 * 4. A cancel is taken only where going back is safe (`cancel-barrier.ts`). One that makes room for
 *    another run is taken after that, too. A move that makes room ends where it is, and nothing of it
 *    is undone: its site is stopped again by the next one, or has no writes any more.
 */
import {
  type Plan,
  type PlanStep,
  type RunCommand,
  isPlannedMove,
  unreachable,
} from "@cloudphoenix/core";
import { cancelRefusal, hasOpened, strandedBy } from "./cancel-barrier.ts";
import { type RunSession, note } from "./run-session.ts";

export type CancelCommand = Extract<RunCommand, { readonly kind: "cancel" }>;

/**
 * How long one wait for a person lasts before it is renewed. Approvals may take days; a wait in
 * pieces keeps each journal entry small and its timer within what every engine can hold.
 */
const PATIENCE_MS = 3_600_000;

/** The next command; null if none comes for `limitMs`, which may be infinite. */
export async function awaitCommand(
  session: RunSession,
  limitMs: number,
): Promise<RunCommand | null> {
  for (let leftMs = limitMs; leftMs > 0; leftMs -= PATIENCE_MS) {
    const command = await takeCommand(session, Math.min(leftMs, PATIENCE_MS));
    if (command !== null) return command;
  }
  return null;
}

/** The next command, held back ones first; null if none comes within `timeoutMs`. */
export async function takeCommand(
  session: RunSession,
  timeoutMs: number,
): Promise<RunCommand | null> {
  return session.held.shift() ?? (await session.context.receive(timeoutMs));
}

/**
 * Acts on everything that has arrived: between two waves. Waits here while the run is paused.
 * `firstWaitMs` is how long to wait for the first command. Returns the cancel that was accepted.
 */
export async function drainCommands(
  session: RunSession,
  firstWaitMs: number = 0,
): Promise<CancelCommand | null> {
  const cancel = await actOnArrived(session, firstWaitMs);
  if (cancel !== null) return cancel;
  return session.pauseAskedBy === null ? null : pauseUntilResumed(session, session.pauseAskedBy);
}

/** Acts on everything that has arrived and goes on, also if a pause was asked for. */
export async function actOnArrived(
  session: RunSession,
  firstWaitMs: number = 0,
): Promise<CancelCommand | null> {
  let waitMs = firstWaitMs;
  for (;;) {
    const command = await takeCommand(session, waitMs);
    if (command === null) return null;
    waitMs = 0;
    const cancel = await actOn(session, command);
    if (cancel !== null) return cancel;
  }
}

/**
 * Deals with a command in a place that does not wait for it: cancel and pause work everywhere,
 * the rest is answered with why it does nothing. Returns the cancel if it was accepted.
 */
export async function actOn(
  session: RunSession,
  command: RunCommand,
): Promise<CancelCommand | null> {
  switch (command.kind) {
    case "cancel":
      return (await acceptCancel(session, command)) ? command : null;
    case "pause":
      session.pauseAskedBy = command.by;
      return null;
    case "resume":
      session.pauseAskedBy = null;
      return null;
    case "approve":
      await refuse(session, command, "nothing waits for approval");
      return null;
    case "retry":
    case "skip":
      await refuse(session, command, `step ${command.step} does not wait for it`);
      return null;
    default:
      return unreachable(command);
  }
}

/** Records that `command` changes nothing, and why. */
export async function refuse(
  session: RunSession,
  command: RunCommand,
  because: string,
): Promise<void> {
  await note(session, {
    event: { kind: "refused", text: `${command.kind} by ${command.by} refused: ${because}` },
  });
}

async function acceptCancel(session: RunSession, command: CancelCommand): Promise<boolean> {
  const refusal = await refusalOf(session, command);
  if (refusal !== null) {
    await refuse(session, command, refusal);
    return false;
  }
  if (command.supersededBy !== undefined && promotionOf(session.plan) !== undefined) {
    session.leftTo = command.supersededBy;
  }
  await note(session, {
    event: { kind: "cancel-asked", text: `${command.by} cancels: ${command.reason}` },
    audit: { who: command.by, what: `cancel run ${session.plan.id}`, why: command.reason },
  });
  return true;
}

/** Why the run goes on in spite of the cancel; null if it does not. */
async function refusalOf(session: RunSession, command: CancelCommand): Promise<string | null> {
  const refusal = await cancelRefusal(session);
  if (command.supersededBy !== undefined && hasOpened(session)) return null;
  if (refusal !== null) return refusal;
  if (command.supersededBy !== undefined) return keepsItsPlace(session);
  return command.abandon === true ? null : strandedBy(session);
}

/** Why a run that has opened no writes makes no room for another one; null if it does. */
function keepsItsPlace({ plan, begun, pauseAskedBy }: RunSession): string | null {
  const promotion = promotionOf(plan);
  if (promotion === undefined) return null;
  if (pauseAskedBy !== null && !isPlannedMove(plan.kind)) return `${pauseAskedBy} holds it back`;
  if (!begun.includes(promotion)) return null;
  return `${plan.to} is being promoted, and needs no other site to open`;
}

/** The step that makes the target the writer; a heal, a rejoin and a rollback have none. */
function promotionOf(plan: Plan): PlanStep | undefined {
  return plan.steps.find(({ action }) => action.kind === "promote-database");
}

async function pauseUntilResumed(session: RunSession, by: string): Promise<CancelCommand | null> {
  await note(session, {
    status: "paused",
    waitingFor: `paused by ${by}; resume or cancel`,
    event: { kind: "paused", text: `paused by ${by}` },
  });
  for (;;) {
    const command = await awaitCommand(session, Number.POSITIVE_INFINITY);
    if (command === null) continue;
    if (command.kind === "resume") {
      session.pauseAskedBy = null;
      await note(session, {
        status: "running",
        event: { kind: "resumed", text: `resumed by ${command.by}` },
      });
      return null;
    }
    const cancel = await actOn(session, command);
    if (cancel !== null) return cancel;
  }
}

/**
 * Until when the site that is left may have lived, as far as whoever decided the move could know. Kept
 * beside the run: who takes it over after the disaster never saw that site alive, and could only say
 * that nothing was written later than now.
 */
import {
  type Json,
  type LossBound,
  type Plan,
  type Situation,
  aliveUntilMs,
} from "@cloudphoenix/core";
import { fenceByLease } from "./fence-site.ts";
import type { StepPorts } from "./step-ports.ts";

/** Who began to watch a site that lives hears of it within this time. */
const HEARD_WITHIN_MS = 1_000;
/** A run that was held up for longer before its fence may have left the site alive meanwhile. */
const FENCES_WITHIN_MS = 30_000;

interface DecidedAlive {
  readonly untilMs: number;
  /** How often the site had renewed its lease by then. */
  readonly renewals: number;
}

/**
 * The facts to keep beside a run that `situation` led to. None where nobody knows the lease: a site may
 * live, and renew it, although no controller reaches it.
 */
export function aliveFacts(
  situation: Situation,
  renewals: number | null,
  runId: string,
): Readonly<Record<string, Json>> {
  const untilMs = aliveUntilMs(situation);
  if (untilMs === null || renewals === null) return {};
  return { [keyOf(runId)]: { untilMs, renewals } satisfies DecidedAlive };
}

/**
 * `bound`, which was told by somebody who saw no sign of life of the site that `plan` leaves, ending
 * where that site had lived at most when the move was decided. Unchanged where it may have lived on:
 * it renewed its lease afterwards, it could be reached to confirm the fence, the run waited before that,
 * or the standby knows of a later sign of life.
 */
export async function boundAsDecided(
  ports: Pick<StepPorts, "facts" | "runs">,
  plan: Plan,
  bound: LossBound,
): Promise<LossBound> {
  const { completeUntilMs, boundMs } = bound;
  const decided = decidedIn(await ports.facts.get(keyOf(plan.id)));
  if (decided === null || completeUntilMs === null || completeUntilMs > decided.untilMs) {
    return bound;
  }
  if (!(await wasFencedAtOnce(ports, plan, decided))) return bound;
  const decidedMs = decided.untilMs - completeUntilMs + HEARD_WITHIN_MS;
  return {
    ...bound,
    lastAliveAtMs: decided.untilMs,
    boundMs: boundMs === null ? decidedMs : Math.min(boundMs, decidedMs),
  };
}

/** Nobody was asked before it, one try was enough, and the lease that proves it was renewed no more. */
async function wasFencedAtOnce(
  ports: Pick<StepPorts, "runs">,
  plan: Plan,
  { renewals }: DecidedAlive,
): Promise<boolean> {
  if (plan.steps.some(({ action }) => action.kind === "approval")) return false;
  const step = plan.steps.find(({ action }) => action.kind === "fence-site");
  const fence = await fenceByLease(ports, plan);
  if (step === undefined || fence === null || fence.renewals !== renewals) return false;
  return fence.atMs - plan.createdAtMs <= FENCES_WITHIN_MS + step.timeoutMs;
}

function decidedIn(stored: Json): DecidedAlive | null {
  if (typeof stored !== "object" || stored === null || !("untilMs" in stored)) return null;
  const { untilMs, renewals } = stored;
  return typeof untilMs === "number" && typeof renewals === "number" ? { untilMs, renewals } : null;
}

function keyOf(runId: string): string {
  return `run:${runId}:alive-until`;
}

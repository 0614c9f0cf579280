/**
 * Until when the site that is left may have lived, as far as whoever decided the move could know. Kept
 * beside the run: who takes it over after the disaster never saw that site alive, and could only say
 * that nothing was written later than now.
 */
import { type LossBound, type Plan, type Situation, aliveUntilMs } from "@cloudphoenix/core";
import { fencedByLeaseAtMs } from "./fence-site.ts";
import type { StepPorts } from "./step-ports.ts";

/** Who began to watch a site that lives hears of it within this time. */
const HEARD_WITHIN_MS = 1_000;
/** A run that was held up for longer before its fence may have left the site alive meanwhile. */
const FENCES_WITHIN_MS = 30_000;

/** The facts to keep beside a run that `situation` led to. */
export function aliveFacts(situation: Situation, runId: string): Readonly<Record<string, number>> {
  const atMs = aliveUntilMs(situation);
  return atMs === null ? {} : { [keyOf(runId)]: atMs };
}

/**
 * `bound`, which was told by somebody who saw no sign of life of the site that `plan` leaves, ending
 * where that site had lived at most when the move was decided. Unchanged where it may have lived on:
 * it could be reached to confirm the fence, the run waited before that, or the standby knows of a later
 * sign of life.
 */
export async function boundAsDecided(
  ports: Pick<StepPorts, "facts" | "runs">,
  plan: Plan,
  bound: LossBound,
): Promise<LossBound> {
  const { completeUntilMs, boundMs } = bound;
  if (!(await wasFencedAtOnce(ports, plan))) return bound;
  const aliveUntil = await ports.facts.get(keyOf(plan.id));
  if (typeof aliveUntil !== "number" || completeUntilMs === null) return bound;
  if (completeUntilMs > aliveUntil) return bound;
  const decidedMs = aliveUntil - completeUntilMs + HEARD_WITHIN_MS;
  return {
    ...bound,
    lastAliveAtMs: aliveUntil,
    boundMs: boundMs === null ? decidedMs : Math.min(boundMs, decidedMs),
  };
}

/** Nobody was asked before it, and one try was enough, of which the lease is the only proof. */
async function wasFencedAtOnce(ports: Pick<StepPorts, "runs">, plan: Plan): Promise<boolean> {
  if (plan.steps.some(({ action }) => action.kind === "approval")) return false;
  const fence = plan.steps.find(({ action }) => action.kind === "fence-site");
  const fencedAtMs = await fencedByLeaseAtMs(ports, plan);
  if (fence === undefined || fencedAtMs === null) return false;
  return fencedAtMs - plan.createdAtMs <= FENCES_WITHIN_MS + fence.timeoutMs;
}

function keyOf(runId: string): string {
  return `run:${runId}:alive-until`;
}

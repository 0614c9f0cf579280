/** Since when there has been enough to act: the end of the "detect" part of the recovery time. */
import type { Decision, PlanKind, Policy } from "@cloudphoenix/core";

type Detected = Readonly<Record<"heal" | "region" | "dr", number | null>>;

export const NOTHING_DETECTED: Detected = { heal: null, region: null, dr: null };

/** Key of the fact that holds when the reason of a run was first seen, epoch ms. */
export function detectionKey(runId: string): string {
  return `run:${runId}:detection`;
}

/** Carries the instants on: a level starts when score and evidence suffice, and ends with them. */
export function advanceDetection(before: Detected, decision: Decision, policy: Policy): Detected {
  const since = (level: keyof Detected): number | null =>
    enoughFor(level, decision, policy) ? (before[level] ?? decision.atMs) : null;
  return { heal: since("heal"), region: since("region"), dr: since("dr") };
}

/** The instant for a plan of this kind; a plan people asked for was not detected. */
export function detectedAtMs(detected: Detected, kind: PlanKind): number | null {
  return kind === "heal" || kind === "region" || kind === "dr" ? detected[kind] : null;
}

function enoughFor(level: keyof Detected, { score, evidence }: Decision, policy: Policy): boolean {
  if (score.coverage < policy.coverageMin || score.points < policy.bands[level]) return false;
  if (evidence.failureDomains.length < policy.evidenceMin[level]) return false;
  return level !== "dr" || (evidence.seenFromTarget && evidence.seenFromOutside);
}

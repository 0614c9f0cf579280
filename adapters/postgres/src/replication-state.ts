/** Judges replication from samples of both sides. Pure. */
import type { ReplicationFacts } from "@cloudphoenix/core";

/** What the active site said about one standby. */
export interface ActiveSample {
  readonly atMs: number;
  /** Null if the slot does not exist. */
  readonly slot: { readonly lost: boolean; readonly walStatus: string | null } | null;
  /** State of the connection of the standby; null if it is not connected. */
  readonly walsender: string | null;
  readonly lagBytes: bigint | null;
}

/** What the standby said about itself. */
export interface StandbySample {
  readonly atMs: number;
  /** Null if there is no subscription. */
  readonly subscription: { readonly enabled: boolean; readonly unready: readonly string[] } | null;
  /** Errors while applying since the last change that went through. */
  readonly errorsSinceProgress: number;
}

/**
 * A lost connection counts as one error, and reconnecting to a dead primary adds none. Two
 * without any change getting through in between is a change that cannot be applied.
 */
const ERRORS_MAX = 1;

/** Samples are taken every 2 s; older than this, the side did not answer. */
const SAMPLE_STALE_MS = 6_000;

export type Judgement = Pick<ReplicationFacts, "state" | "detail">;

/**
 * The standby must answer, since it is the one that would take over. The active site need not: what
 * it said last still holds, and the detail says how old it is.
 */
export function judgeReplication(
  active: ActiveSample | null,
  standby: StandbySample | null,
  nowMs: number,
): Judgement {
  if (standby === null || nowMs - standby.atMs > SAMPLE_STALE_MS) {
    return { state: "unknown", detail: "the standby does not answer" };
  }
  const broken = brokenAtStandby(standby) ?? brokenAtActive(active);
  if (broken !== null) return { state: "broken", detail: broken };
  if (active === null) return { state: "unknown", detail: "the active site was never asked" };
  const silentMs = nowMs - active.atMs;
  const suffix =
    silentMs > SAMPLE_STALE_MS
      ? `; the active site last answered ${Math.round(silentMs / 1_000)} s ago`
      : "";
  const behind = catchingUp(active, standby);
  if (behind !== null) return { state: "catching-up", detail: behind + suffix };
  return { state: "streaming", detail: `streaming${suffix}` };
}

function brokenAtStandby({ subscription, errorsSinceProgress }: StandbySample): string | null {
  if (subscription === null) return "the standby has no subscription";
  if (!subscription.enabled) return "the subscription of the standby is disabled";
  if (errorsSinceProgress > ERRORS_MAX) return "the standby cannot apply a change; see its log";
  return null;
}

function brokenAtActive(active: ActiveSample | null): string | null {
  if (active === null) return null;
  if (active.slot === null) return "the active site has no slot for the standby";
  if (active.slot.lost) return "the active site has removed log the standby still needs";
  return null;
}

function catchingUp(active: ActiveSample, standby: StandbySample): string | null {
  const unready = standby.subscription?.unready ?? [];
  if (unready.length > 0) return `the initial copy of ${unready.join(", ")} is not complete`;
  if (active.walsender === null) return "the standby is not connected to the active site";
  if (active.walsender !== "streaming") return `the standby is in state ${active.walsender}`;
  if (active.slot?.walStatus === "unreserved") {
    return "the active site is about to remove log the standby still needs";
  }
  return null;
}

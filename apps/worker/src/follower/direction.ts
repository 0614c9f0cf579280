/** Where objects have to flow, decided from what the state database says. Pure. */
import {
  type Application,
  FINAL_RUN_STATUSES,
  type Roles,
  type RunRecord,
  type SiteId,
} from "@cloudphoenix/core";

export type Direction =
  | {
      readonly kind: "copy";
      readonly from: SiteId;
      readonly to: SiteId;
      readonly generation: number;
    }
  /** Nothing may be written to the site now. */
  | {
      readonly kind: "pause";
      readonly from: SiteId;
      readonly to: SiteId;
      readonly generation: number;
      /** A run may be changing which site is active. */
      readonly moving: boolean;
      readonly reason: string;
    }
  /** The site is the source. */
  | { readonly kind: "none"; readonly generation: number };

export interface DirectionFacts {
  readonly application: Pick<Application, "sites">;
  /** Where the copy would be. */
  readonly to: SiteId;
  readonly roles: Roles;
  /** The run that claimed the generation; null if none did, or if it is not known. */
  readonly run: RunRecord | null;
  readonly quarantined: boolean;
}

/**
 * From when a run that claimed the generation begins to fence until it ends, nothing is copied: which
 * way would be a guess. Before that the active site still is it, however long people are asked or a
 * planned move waits for the objects. Runs that heal or let a site rejoin claim none.
 */
export function directionTo({ to, roles, run, quarantined }: DirectionFacts): Direction {
  const { active: from, generation, claimedBy } = roles;
  const pair = { from, to, generation };
  if (claimedBy !== null && !isBeforeFence(run) && !isOver(run)) {
    const reason = `run ${claimedBy} (${run?.status ?? "unknown"}) is changing which site is active`;
    return { kind: "pause", ...pair, moving: true, reason };
  }
  if (from === to) return { kind: "none", generation };
  if (quarantined) {
    const reason = `${to} is quarantined: it may hold what exists nowhere else (cloudphoenix quarantine show ${to})`;
    return { kind: "pause", ...pair, moving: false, reason };
  }
  return { kind: "copy", ...pair };
}

/**
 * Whether a copier that was last seen to go `before` may go on as `now` says. A run that claims the next
 * generation has not moved anything yet; to go away and come back takes two of them.
 */
export function goesOn(before: Direction, now: Direction): boolean {
  if (before.kind !== "copy" || now.kind !== "copy") return false;
  const steps = now.generation - before.generation;
  return before.from === now.from && before.to === now.to && steps >= 0 && steps <= 1;
}

function isBeforeFence(run: RunRecord | null): boolean {
  if (run === null) return false;
  const fences = run.plan.steps.filter(({ action }) => action.kind === "fence-site");
  return (
    fences.length > 0 &&
    fences.every(({ id }) => run.steps.some((one) => one.id === id && one.status === "pending"))
  );
}

function isOver(run: RunRecord | null): boolean {
  return run !== null && FINAL_RUN_STATUSES.includes(run.status);
}

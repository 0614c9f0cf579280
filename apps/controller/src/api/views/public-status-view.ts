/** What everybody may know: which site serves, how the sites are, whether the application moves. */

import { claimsGeneration, type Level, type PlanKind } from "@cloudphoenix/core";
import type { RunSummary, StatusView } from "./status-view.ts";

/** No causes, no addresses, no people. Its fields are a promise; add none without asking who reads it. */
export interface PublicStatus {
  readonly atMs: number;
  readonly application: string;
  readonly active: string;
  /** Whether the application could lose its active site now and go on; null while not known here. */
  readonly protected: boolean | null;
  /** Null while it stays where it is. */
  readonly move: PublicMove | null;
  readonly sites: readonly PublicSite[];
}

interface PublicMove {
  readonly kind: PlanKind;
  readonly to: string;
  readonly sinceMs: number;
}

interface PublicSite {
  readonly id: string;
  /** Null while not known here: before the first decision, and on a follower. */
  readonly score: number | null;
  readonly level: Level | null;
  /** Share (0 to 1) of the score that is known. */
  readonly coverage: number | null;
  readonly evaluatedAtMs: number | null;
}

/** The part of `status` that is for everybody. */
export function publicStatusView(status: StatusView): PublicStatus {
  const { atMs, application, active, decision, activeRun } = status;
  return {
    atMs,
    application: application.name,
    active,
    protected: decision === null ? null : status.protected.yes,
    move: activeRun === null ? null : moveOf(activeRun),
    sites: status.sites.map(({ id, score, level, coverage }) => ({
      id,
      score,
      level,
      coverage,
      evaluatedAtMs: score === null ? null : (decision?.atMs ?? null),
    })),
  };
}

/** Null if nothing moves: a heal, a rejoin, or a move that nobody has agreed to yet. */
function moveOf({ kind, to, status, startedAtMs, stepsDone }: RunSummary): PublicMove | null {
  const begun = status !== "waiting-approval" || stepsDone > 0;
  return claimsGeneration(kind) && begun ? { kind, to, sinceMs: startedAtMs } : null;
}

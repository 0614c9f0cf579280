/** Types of a decision. The rules are in `decide.ts` and `guards/`. */

import type { PlanKind } from "./plan.ts";
import type { Policy } from "./policy.ts";
import type { StandbyFacts } from "./readiness.ts";
import type { RunStatus } from "./run.ts";
import type { Level, LevelState, SiteScore } from "./score.ts";
import type { Observation, Signal, Vantage, VantageSight } from "./signal.ts";
import type { Application, Roles, SiteId } from "./topology.ts";

/** All that a decision may depend on. Same situation, same decision. */
export interface Situation {
  readonly nowMs: number;
  readonly application: Application;
  readonly roles: Roles;
  readonly policy: Policy;
  readonly signals: readonly Signal[];
  readonly vantages: readonly Vantage[];
  /** Newest per signal and vantage; order does not matter. */
  readonly observations: readonly Observation[];
  readonly sights: readonly VantageSight[];
  /** Hysteresis so far, per site; a missing site starts at `none`. */
  readonly levels: Readonly<Record<SiteId, LevelState>>;
  readonly standbys: readonly StandbyFacts[];
  readonly activity: Activity;
  /** What the decision before this one returned; absent or null at the first. */
  readonly lastAlive?: LastAlive | null;
  /**
   * Since when this controller has looked at the active site. It may have been alive until then, as
   * far as anybody knows who never saw it; absent or null if that is unknown, too.
   */
  readonly watchedSince?: LastAlive | null;
  /**
   * The end of the active site's writer lease, if a look after it saw that the lease had not been renewed:
   * until then at most its database accepted writes, whoever saw it alive. Absent or null if unknown.
   */
  readonly leaseEnded?: LastAlive | null;
  /** Returned old primaries that wait for people; absent means none. */
  readonly quarantined?: readonly QuarantineFact[];
  /** How the active site stood when a person asked to go back to it; absent if nobody looked. */
  readonly standing?: ActiveStanding;
}

/** The active site and the names, looked at just now. */
export interface ActiveStanding {
  /** Whether its entry serves, writes included; a site that does not answer does not. */
  readonly serves: boolean;
  /** What the entry said, for an operator to read. */
  readonly detail: string;
  /** The site that users are led to; null if that could not be read, or is none of the application's. */
  readonly namesLeadTo: SiteId | null;
}

/** A returned old primary, as far as plans need to know it. */
export interface QuarantineFact {
  readonly site: SiteId;
  /** Whether it was decided what becomes of the writes it alone holds. */
  readonly mayRejoin: boolean;
  /** What was decided, or what has to be, for an operator to read. */
  readonly sentence: string;
}

/** When a site was last known to serve. */
export interface LastAlive {
  readonly site: SiteId;
  readonly atMs: number;
}

/** What CloudPhoenix itself is doing and has done. */
export interface Activity {
  readonly running: RunningRun | null;
  /** End of the newest finished move (region, DR, switchover); null if none. */
  readonly lastMoveEndedAtMs: number | null;
  /** Recent heals that have ended, any order. */
  readonly healsEnded: readonly EndedHeal[];
  /** Why automatic action is switched off by a person; null if it is not. */
  readonly maintenance: string | null;
  /** Moves, rollbacks and rejoins that have ended; absent if nobody has read them. */
  readonly past?: PastRuns;
}

/** Runs that have ended, as far as a rollback needs to know them. */
export interface PastRuns {
  readonly newestFirst: readonly PastRun[];
  /** Whether there are no older ones than those that were read. */
  readonly complete: boolean;
}

export interface PastRun {
  readonly id: string;
  readonly kind: PlanKind;
  readonly from: SiteId;
  readonly to: SiteId;
  readonly status: RunStatus;
  /** Whether it began any step that changes who writes or where users go. */
  readonly touched: boolean;
  /** Whether it opened writes at its target; `unknown` if it began to, and nobody knows the end. */
  readonly opening: "closed" | "opened" | "unknown";
}

export interface RunningRun {
  readonly id: string;
  readonly kind: PlanKind;
  /** Where it goes; for a heal, what it repairs. */
  readonly to: SiteId;
  /** Default, where no record tells more: `under-way`. */
  readonly stage?: RunStage;
}

/**
 * How far a run has got, as far as it matters to what may take its place. `asking`: a failover that was
 * decided on and waits for people to approve it, before its first step. `preparing`: a planned move, or
 * a failover that was decided on, that has not begun to stop the site it leaves. `waiting`: a planned
 * move that waits for people between that and its promotion. `opened`: a move that has opened writes at
 * its target, so that what is left of it can wait. `under-way`: everything else.
 */
export type RunStage = "asking" | "preparing" | "waiting" | "under-way" | "opened";

export interface EndedHeal {
  readonly site: SiteId;
  readonly atMs: number;
  /** Whether every step of it was done and looked at. */
  readonly worked: boolean;
}

/** Failure domains that agree the active site is bad. */
export interface Evidence {
  readonly failureDomains: readonly string[];
  /** Whether one of them is seen from the cloud of the target. */
  readonly seenFromTarget: boolean;
  /** Whether one of them is seen from outside both clouds. */
  readonly seenFromOutside: boolean;
}

export type GuardName =
  | "target-exists"
  | "target-ready"
  | "data-fresh"
  | "evidence"
  | "fence-obtainable"
  | "cooldown"
  | "freeze-window"
  | "one-run"
  | "mode"
  | "monitors-sane"
  | "schema-parity"
  | "maintenance"
  | "heals-left"
  | "quarantine"
  | "move-to-undo"
  | "never-opened";

/** What one guard says, in the sentence an operator reads. */
export interface GuardResult {
  readonly guard: GuardName;
  /** `approve` lets the run start but makes it wait for people. */
  readonly outcome: "pass" | "approve" | "block";
  readonly sentence: string;
}

/** What the loop is told to do. */
export type DecidedAction =
  | { readonly kind: "hold"; readonly because: string }
  | {
      readonly kind: "act";
      readonly plan: PlanKind;
      readonly target: SiteId;
      /** People who must approve before the first step; 0 for none. */
      readonly approvers: number;
      readonly because: string;
    }
  | { readonly kind: "blocked"; readonly plan: PlanKind | null; readonly because: string }
  | { readonly kind: "page"; readonly because: string };

/** The score of `site` in a decision. @throws {RangeError} if the decision knows no such site */
export function scoreOf({ score, standbyScores }: Decision, site: SiteId): SiteScore {
  const found = [score, ...standbyScores].find((one) => one.site === site);
  if (found === undefined) throw new RangeError(`no score of site ${site}`);
  return found;
}

/** Every kind of action. */
export const ACTION_KINDS: readonly DecidedAction["kind"][] = ["hold", "act", "blocked", "page"];

export interface Decision {
  readonly atMs: number;
  readonly active: SiteId;
  readonly generation: number;
  /** `unknown` when coverage is below the minimum: page a person, change nothing. */
  readonly verdict: Level | "unknown";
  readonly score: SiteScore;
  /** Scores of the other sites; they feed readiness and never push towards a move. */
  readonly standbyScores: readonly SiteScore[];
  readonly evidence: Evidence;
  /** Every guard that was asked, passing ones included. */
  readonly guards: readonly GuardResult[];
  readonly action: DecidedAction;
  /** Hysteresis to carry into the next decision. */
  readonly levels: Readonly<Record<SiteId, LevelState>>;
  /** To carry into the next decision: good answers are forgotten when bad ones follow. */
  readonly lastAlive?: LastAlive | null;
}

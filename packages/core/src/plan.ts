/** A plan is data: immutable, generated, specific enough that running it needs no choices. */

import type { SiteId } from "./topology.ts";

/** Every kind of plan. `rejoin` makes a returned site a standby again, `failback` goes home. */
export const PLAN_KINDS = [
  "heal",
  "region",
  "dr",
  "switchover",
  "rollback",
  "rejoin",
  "failback",
] as const;
export type PlanKind = (typeof PLAN_KINDS)[number];

/** The most that people agreed to lose, before anything was measured. Null: however much it is. */
export interface AcceptedLoss {
  readonly writesMs: number | null;
  /** Not there where the application has no objects. */
  readonly objectsMs?: number | null;
}

/** What a step does. One handler per kind in the engine. */
export type StepAction =
  | {
      readonly kind: "approval";
      readonly approvers: number;
      readonly question: string;
      /** What whoever approves accepts to lose; the question says it. */
      readonly accepts?: AcceptedLoss;
      /** Whoever started the run is not enough: somebody else must be among those who approve. */
      readonly another?: true;
    }
  | { readonly kind: "pause"; readonly durationMs: number }
  | { readonly kind: "fence-site"; readonly site: SiteId }
  | { readonly kind: "unfence-site"; readonly site: SiteId }
  | { readonly kind: "measure-loss"; readonly from: SiteId; readonly to: SiteId }
  | { readonly kind: "drain-replication"; readonly from: SiteId; readonly to: SiteId }
  | { readonly kind: "drain-objects"; readonly from: SiteId; readonly to: SiteId }
  | { readonly kind: "promote-database"; readonly site: SiteId; readonly from: SiteId }
  | { readonly kind: "restart-database"; readonly site: SiteId }
  | {
      readonly kind: "scale-workload";
      readonly site: SiteId;
      readonly workload: string;
      readonly replicas: number;
    }
  | { readonly kind: "restart-workload"; readonly site: SiteId; readonly workload: string }
  | {
      readonly kind: "verify-site";
      readonly site: SiteId;
      /** Whom it must be seen to follow: it is about to take over from there, with nothing lost. */
      readonly follows?: SiteId;
      readonly expect: "standing-by" | "serving";
    }
  | { readonly kind: "switch-traffic"; readonly from: SiteId; readonly to: SiteId }
  | { readonly kind: "open-writes"; readonly site: SiteId }
  | { readonly kind: "verify-convergence"; readonly site: SiteId }
  | { readonly kind: "settle-objects"; readonly from: SiteId; readonly to: SiteId }
  | { readonly kind: "record-salvage"; readonly site: SiteId }
  | { readonly kind: "rejoin-site"; readonly site: SiteId; readonly writer: SiteId }
  | { readonly kind: "admit-site"; readonly site: SiteId }
  | { readonly kind: "compare-sites"; readonly writer: SiteId; readonly follower: SiteId }
  | {
      readonly kind: "notify";
      readonly severity: "info" | "warning" | "critical";
      readonly message: string;
    }
  | { readonly kind: "report" };

export type StepKind = StepAction["kind"];

/** What takes a finished step back, or why nothing does. */
export type StepUndo =
  | { readonly kind: "action"; readonly action: StepAction }
  | { readonly kind: "none"; readonly reason: string };

export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
}

export interface PlanStep {
  /** Unique in the plan, for instance `promote-database`. */
  readonly id: string;
  readonly action: StepAction;
  /** One sentence that says what will happen, in the future tense of an operator. */
  readonly title: string;
  /** Steps that must have finished (or been skipped) before this one. */
  readonly needs: readonly string[];
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly undo: StepUndo;
  /** Sites that must be alive for the step to succeed. */
  readonly requires: readonly SiteId[];
  /** If true, its failure is recorded and the plan goes on. */
  readonly bestEffort: boolean;
}

export interface Plan {
  readonly id: string;
  readonly kind: PlanKind;
  readonly application: string;
  /** The writer epoch this plan claims. Anything made for an older one is refused at the write. */
  readonly generation: number;
  /** The generation the plan was made for; if roles have moved on, the plan is stale. */
  readonly parentGeneration: number;
  readonly createdAtMs: number;
  readonly from: SiteId;
  readonly to: SiteId;
  readonly reason: string;
  /** `wait`: a failed step waits for a person. `give-up`: the run ends as failed. */
  readonly onFailure: "wait" | "give-up";
  readonly steps: readonly PlanStep[];
}

/** Why the linter refuses a plan. */
export interface PlanFinding {
  readonly rule: string;
  readonly step: string | null;
  readonly sentence: string;
}

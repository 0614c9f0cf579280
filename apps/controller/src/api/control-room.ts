/** What the HTTP API needs of the engine. Narrow, so that tests can stand in for a whole world. */

import type {
  Decision,
  GuardResult,
  LossReport,
  Plan,
  PlanFinding,
  PlanKind,
  RunRecord,
  SiteId,
  Situation,
} from "@cloudphoenix/core";
import type { PlanRunner, QuarantineDesk, SetupDesk } from "@cloudphoenix/engine";

/** A decision together with what it was made from. */
export interface DecisionContext {
  readonly decision: Decision;
  readonly situation: Situation;
}

/** What a person may ask for. */
export interface PlanQuestion {
  readonly kind: PlanKind;
  readonly target: SiteId | undefined;
  /** Rollback only: where the move to be undone went; without it, where the records say. */
  readonly from: SiteId | undefined;
  /** Whether a loss beyond the objective, or an unknown one, is accepted. */
  readonly acceptLoss: boolean;
}

/** A plan as it would run now. Nothing has been changed to make it. */
export interface DryRun {
  /** Null if there is no site it could go to. */
  readonly plan: Plan | null;
  readonly findings: readonly PlanFinding[];
  /** Every guard that was asked, passing ones included. */
  readonly guards: readonly GuardResult[];
  readonly steps: readonly DryRunStep[];
}

interface DryRunStep {
  readonly id: string;
  readonly title: string;
  readonly current: string;
  readonly intended: string;
  readonly alreadyDone: boolean;
}

export interface RunOrder extends PlanQuestion {
  /** From `newRunId`; a run that has it already is not started again. Default: a new one. */
  readonly id?: string | undefined;
  readonly reason: string;
  readonly by: string;
}

/** Started, or everything that stands against it at once. */
export type OrderOutcome =
  | { readonly kind: "started"; readonly run: RunRecord }
  | {
      readonly kind: "blocked";
      readonly guards: readonly GuardResult[];
      readonly findings: readonly PlanFinding[];
    };

export interface MaintenanceOrder {
  readonly on: boolean;
  readonly reason: string;
  readonly by: string;
}

/** The acting half of a controller: exists only while it leads. */
export interface ControlRoom {
  /** Grows with every change of leader. */
  readonly epoch: number;
  readonly runner: Pick<PlanRunner, "command">;
  /** The newest decision; null before the first. */
  latest(): DecisionContext | null;
  /** Newest first; decisions that only repeat the one before are left out. */
  decisions(limit: number): readonly Decision[];
  dryRun(question: PlanQuestion, signal: AbortSignal): Promise<DryRun>;
  /** An id nobody has yet. */
  newRunId(kind: PlanKind): string;
  order(order: RunOrder): Promise<OrderOutcome>;
  maintain(order: MaintenanceOrder): Promise<void>;
  /**
   * Reads from the returned, fenced old primary of a finished move exactly what was lost, and keeps
   * the answer with the run.
   * @throws {CloudPhoenixError} `CONFLICT` if the run promoted nothing, `UNREACHABLE` (retryable)
   *   while the old primary does not answer
   */
  measureLoss(run: RunRecord, signal: AbortSignal): Promise<LossReport>;
  /** Returned old primaries and what people do about them. */
  readonly quarantine: Pick<
    QuarantineDesk,
    "list" | "of" | "rows" | "objects" | "accept" | "exported" | "reapply"
  >;
  /** Making the standby follow the active site, and how far that has got. */
  readonly replicationSetup: Pick<SetupDesk, "newest" | "preview" | "order">;
}

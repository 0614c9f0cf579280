/** What happened to a plan: statuses, step records, events. Data only. */

import type { FenceProof } from "./fence.ts";
import type { Plan } from "./plan.ts";

export type RunStatus =
  | "running"
  | "waiting-approval"
  | "paused"
  | "needs-attention"
  | "completed"
  | "failed"
  | "undone"
  | "stuck"
  | "superseded";

/** Statuses after which nothing more happens. */
export const FINAL_RUN_STATUSES: readonly RunStatus[] = [
  "completed",
  "failed",
  "undone",
  "stuck",
  "superseded",
];

export type StepStatus =
  | "pending"
  | "running"
  | "done"
  | "failed"
  | "skipped"
  | "undone"
  | "undo-failed";

/** Plain JSON, as stored and sent. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

export interface StepRecord {
  readonly id: string;
  readonly status: StepStatus;
  readonly attempts: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** What the step found or produced; never a secret. */
  readonly result: Json;
  readonly error: StepError | null;
  /** Why it was skipped and by whom; null if it was not. */
  readonly skipped: { readonly by: string; readonly reason: string } | null;
}

/** The record of a step that nothing has happened to yet. */
export function pendingStep(id: string): StepRecord {
  return {
    id,
    status: "pending",
    attempts: 0,
    startedAtMs: null,
    endedAtMs: null,
    result: null,
    error: null,
    skipped: null,
  };
}

export interface StepError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly retryable: boolean;
}

export interface Approval {
  readonly by: string;
  readonly atMs: number;
  readonly comment: string;
}

export interface RunRecord {
  readonly id: string;
  readonly plan: Plan;
  readonly status: RunStatus;
  /** Who or what started it: `decision` or `operator:<name>`. */
  readonly startedBy: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly steps: readonly StepRecord[];
  /** What the run waits for, in words; null while it does not wait. */
  readonly waitingFor: string | null;
  /** The question that is open: 1 for the first of a run, never used twice; null while none is. */
  readonly question: number | null;
  readonly approvals: readonly Approval[];
}

/** A line of the journal. `key` makes repeated recording harmless. */
export interface RunEvent {
  readonly runId: string;
  readonly key: string;
  readonly atMs: number;
  readonly kind:
    | "run-started"
    | "run-ended"
    | "step-started"
    | "step-retried"
    | "step-done"
    | "step-failed"
    | "step-skipped"
    | "step-undone"
    | "approval-asked"
    | "approved"
    | "paused"
    | "resumed"
    | "cancel-asked"
    /** A command that changed nothing; its text says whose, which and why. */
    | "refused"
    | "waiting";
  readonly step: string | null;
  readonly text: string;
}

/** What an operator may tell a run. */
export type RunCommand =
  | {
      readonly kind: "approve";
      readonly by: string;
      readonly comment: string;
      /** The question that was seen; any other one is not answered by this. */
      readonly question: number;
    }
  | { readonly kind: "pause"; readonly by: string }
  | { readonly kind: "resume"; readonly by: string }
  | {
      readonly kind: "cancel";
      readonly by: string;
      readonly reason: string;
      /** Also where nobody could write afterwards: the site that is left does not answer. */
      readonly abandon?: true;
      /** The run that needs the place: then a move ends where it is, and takes nothing back. */
      readonly supersededBy?: string;
    }
  | { readonly kind: "retry"; readonly by: string; readonly step: string }
  | { readonly kind: "skip"; readonly by: string; readonly step: string; readonly reason: string };

/** Result of `fence-site`, kept in the run and the report. */
export interface FenceResult {
  readonly degree: string;
  readonly proofs: readonly FenceProof[];
}

/** What operators ask the decision loop for: runs, and looks at what runs would do. */
import {
  CloudPhoenixError,
  type GuardResult,
  type Plan,
  type PlanFinding,
  type PlanKind,
  type RequestJudgement,
  type SiteId,
  type Situation,
  decide,
  judgeRequest,
  lintPlan,
  scoreOf,
} from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import { type DryRunStep, dryRun } from "../runner/dry-run.ts";
import type { StepHandlers } from "../steps/step-handler.ts";
import type { Launch, RunLauncher } from "./run-launcher.ts";

/** What a request needs of the loop. */
export interface OperatorDesk {
  readonly clock: Clock;
  readonly handlers: StepHandlers;
  readonly launcher: RunLauncher;
  /** Aborts when this process leads no more; null while it does not lead. */
  readonly lost: AbortSignal | null;
  readonly situation: () => Promise<Situation>;
}

export interface RequestedRun {
  /** Default: a new one. */
  readonly id?: string;
  readonly kind: PlanKind;
  /** Default: the first possible site that nothing blocks. */
  readonly target?: SiteId;
  readonly reason: string;
  readonly acceptLoss: boolean;
  /** Who asks; recorded as `operator:<by>`. */
  readonly by: string;
}

export interface RequestedPlan {
  readonly plan: Plan;
  readonly findings: readonly PlanFinding[];
  readonly guards: readonly GuardResult[];
  readonly steps: readonly DryRunStep[];
}

/** @throws {CloudPhoenixError} `GUARD_BLOCKED` naming every blocker, `NOT_LEADER`, and as `launch` */
export async function startRequest(desk: OperatorDesk, wanted: RequestedRun): Promise<Plan> {
  const lost = requireLead(desk.lost);
  const situation = await desk.situation();
  if (wanted.id !== undefined && situation.activity.running?.id === wanted.id) {
    throw beingStarted(wanted.id);
  }
  const judgement = judgeRequest(situation, wanted);
  const { target, blocked } = judgement;
  if (target === null || blocked.length > 0) throw blockedBy(wanted.kind, judgement);
  return desk.launcher.launch(
    {
      request: planRequest(situation, wanted, { ...judgement, target }),
      startedBy: `operator:${wanted.by}`,
      facts: () => ({}),
      ...(wanted.id === undefined ? {} : { id: wanted.id }),
    },
    lost,
  );
}

/**
 * The plan with what each step would find; also if guards block it, so that people see both.
 * @throws {CloudPhoenixError} `GUARD_BLOCKED` if there is no site it could go to
 */
export async function dryRunRequest(
  desk: OperatorDesk,
  wanted: Pick<RequestedRun, "kind" | "target">,
  signal: AbortSignal,
): Promise<RequestedPlan> {
  const situation = await desk.situation();
  const judgement = judgeRequest(situation, { ...wanted, acceptLoss: false });
  const { target, guards } = judgement;
  if (target === null) throw blockedBy(wanted.kind, judgement);
  const reason = "dry run";
  const plan = desk.launcher.plan(
    planRequest(situation, { ...wanted, reason }, { ...judgement, target }),
  );
  const findings = lintPlan(plan, situation.application);
  return { plan, findings, guards, steps: await dryRun(plan, desk, signal) };
}

function planRequest(
  situation: Situation,
  wanted: { readonly kind: PlanKind; readonly reason: string },
  judgement: Pick<RequestJudgement, "approvers" | "acceptedLoss" | "another" | "reservations"> & {
    readonly target: SiteId;
  },
): Launch["request"] {
  return {
    kind: wanted.kind,
    application: situation.application,
    roles: situation.roles,
    target: judgement.target,
    reason: wanted.reason,
    approvers: judgement.approvers,
    acceptedLoss: judgement.acceptedLoss,
    another: judgement.another,
    reservations: judgement.reservations,
    score: scoreOf(decide(situation), judgement.target),
  };
}

function blockedBy(kind: PlanKind, { blocked }: RequestJudgement): CloudPhoenixError {
  const sentences = blocked.map((guard) => `${guard.guard}: ${guard.sentence}`).join(" ");
  return new CloudPhoenixError(
    "GUARD_BLOCKED",
    `${kind} is blocked by ${blocked.length} ${blocked.length === 1 ? "guard" : "guards"}. ${sentences}`,
    { retryable: false, hint: `Look at the whole picture with "cloudphoenix plan ${kind}".` },
  );
}

/** It was asked for before, and its record is on its way. */
function beingStarted(id: string): CloudPhoenixError {
  return new CloudPhoenixError("ALREADY_RUNNING", `run ${id} of this request is being started`, {
    retryable: true,
    hint: "Send the same request again in a second.",
  });
}

/** The signal that aborts when the lead is lost. @throws {CloudPhoenixError} `NOT_LEADER` */
export function requireLead(lost: AbortSignal | null): AbortSignal {
  if (lost !== null && !lost.aborted) return lost;
  throw new CloudPhoenixError("NOT_LEADER", "this controller does not lead", {
    retryable: true,
    hint: "Ask the controller that leads, or wait until this one does.",
  });
}

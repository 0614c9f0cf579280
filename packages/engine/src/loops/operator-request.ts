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
  wayBackOf,
} from "@cloudphoenix/core";
import { type DryRunStep, dryRun } from "../runner/dry-run.ts";
import type { StepHandlers } from "../steps/step-handler.ts";
import { type StandingPorts, standingOf } from "./active-standing.ts";
import type { Launch, RunLauncher } from "./run-launcher.ts";

/** What a request needs of the loop. */
export interface OperatorDesk extends StandingPorts {
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
  /** Rollback only: where the move to be undone went. Default: where the records, or the names, say. */
  readonly from?: SiteId;
  readonly reason: string;
  readonly acceptLoss: boolean;
  /** Who asks; recorded as `operator:<by>`. */
  readonly by: string;
}

/** What is asked when only a look is wanted. */
export interface PlannedRequest extends Pick<RequestedRun, "kind" | "target" | "from"> {
  /** Default: no. */
  readonly acceptLoss?: boolean;
}

export interface RequestedPlan {
  readonly plan: Plan;
  readonly findings: readonly PlanFinding[];
  readonly guards: readonly GuardResult[];
  readonly steps: readonly DryRunStep[];
}

/** Refused by guards; they are all there. */
export class BlockedRequest extends CloudPhoenixError {
  readonly guards: readonly GuardResult[];

  constructor(kind: PlanKind, { blocked }: Pick<RequestJudgement, "blocked">) {
    const sentences = blocked.map((guard) => `${guard.guard}: ${guard.sentence}`).join(" ");
    super(
      "GUARD_BLOCKED",
      `${kind} is blocked by ${blocked.length} ${blocked.length === 1 ? "guard" : "guards"}. ${sentences}`,
      { retryable: false, hint: `Look at the whole picture with "cloudphoenix plan ${kind}".` },
    );
    this.guards = blocked;
  }
}

/**
 * @throws {CloudPhoenixError} `GUARD_BLOCKED` naming every blocker, `BAD_REQUEST` if a rollback cannot
 *   know which site it leaves, `NOT_LEADER`, and as `launch`
 */
export async function startRequest(desk: OperatorDesk, wanted: RequestedRun): Promise<Plan> {
  const lost = requireLead(desk.lost);
  const situation = await desk.situation();
  if (wanted.id !== undefined && situation.activity.running?.id === wanted.id) {
    throw beingStarted(wanted.id);
  }
  const asked = await askedOf(situation, { desk, wanted, signal: lost });
  const judgement = judgeRequest(asked.situation, { ...wanted, from: asked.from });
  const { target, blocked } = judgement;
  if (target === null || blocked.length > 0) throw new BlockedRequest(wanted.kind, judgement);
  return desk.launcher.launch(
    {
      request: planRequest(asked, wanted, { ...judgement, target }),
      startedBy: `operator:${wanted.by}`,
      facts: () => ({}),
      ...(wanted.id === undefined ? {} : { id: wanted.id }),
    },
    lost,
  );
}

/**
 * The plan with what each step would find; also if guards block it, so that people see both.
 * @throws {CloudPhoenixError} `GUARD_BLOCKED` if there is no site it could go to, `BAD_REQUEST` if a
 *   rollback cannot know which site it leaves
 */
export async function dryRunRequest(
  desk: OperatorDesk,
  wanted: PlannedRequest,
  signal: AbortSignal,
): Promise<RequestedPlan> {
  const asked = await askedOf(await desk.situation(), { desk, wanted, signal });
  const { acceptLoss = false } = wanted;
  const judgement = judgeRequest(asked.situation, { ...wanted, from: asked.from, acceptLoss });
  const { target, guards } = judgement;
  if (target === null) throw new BlockedRequest(wanted.kind, judgement);
  const reason = "dry run";
  const plan = desk.launcher.plan(
    planRequest(asked, { ...wanted, reason }, { ...judgement, target }),
  );
  const findings = lintPlan(plan, asked.situation.application);
  return { plan, findings, guards, steps: await dryRun(plan, desk, signal) };
}

/** What a request is judged by: a rollback is told from how things stand just now. */
interface Asked {
  readonly situation: Situation;
  /** The site a rollback leaves; undefined for everything else. */
  readonly from: SiteId | undefined;
}

async function askedOf(
  situation: Situation,
  request: {
    readonly desk: StandingPorts;
    readonly wanted: PlannedRequest;
    readonly signal: AbortSignal;
  },
): Promise<Asked> {
  const { desk, wanted, signal } = request;
  if (wanted.kind !== "rollback") {
    if (wanted.from !== undefined) throw fromRefused(`${wanted.kind} leaves the active site`);
    return { situation, from: undefined };
  }
  refuseFrom(situation, wanted.from);
  const opening = wayBackOf(situation, wanted.from).run?.opening ?? "closed";
  // Where the other site has taken writes, how the active one stands changes nothing.
  const seen =
    opening === "closed"
      ? { ...situation, standing: await standingOf(desk, situation.roles.active, signal) }
      : situation;
  const { from } = wayBackOf(seen, wanted.from);
  if (from !== null) return { situation: seen, from };
  throw new CloudPhoenixError(
    "BAD_REQUEST",
    `no run, and no name, tells which site the move to be undone went to`,
    { retryable: false, hint: namedWith(othersOf(situation)) },
  );
}

/** @throws {CloudPhoenixError} `BAD_REQUEST` if a rollback cannot leave the site that was named */
function refuseFrom(situation: Situation, from: SiteId | undefined): void {
  const others = othersOf(situation);
  if (from === undefined || others.includes(from)) return;
  const { application, roles } = situation;
  throw fromRefused(
    from === roles.active
      ? `a rollback goes to ${from}, the active site, and cannot leave it`
      : `${application.name} has no site ${from}`,
    namedWith(others),
  );
}

function namedWith(others: readonly SiteId[]): string {
  return `Name the site that the move went to: cloudphoenix rollback --from ${others.join(", or ")}.`;
}

function othersOf({ application, roles }: Situation): readonly SiteId[] {
  return application.sites.map(({ id }) => id).filter((id) => id !== roles.active);
}

function fromRefused(
  message: string,
  hint = "Leave --from out: only a rollback takes it.",
): CloudPhoenixError {
  return new CloudPhoenixError("BAD_REQUEST", message, { retryable: false, hint });
}

function planRequest(
  { situation, from }: Asked,
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
    from,
    reason: wanted.reason,
    approvers: judgement.approvers,
    acceptedLoss: judgement.acceptedLoss,
    another: judgement.another,
    reservations: judgement.reservations,
    score: scoreOf(decide(situation), judgement.target),
  };
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

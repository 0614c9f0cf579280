/** Everything an on-call engineer wants on one screen. */

import {
  type Application,
  type Decision,
  FINAL_RUN_STATUSES,
  judgeRequest,
  type Level,
  type Mode,
  type Objectives,
  type PlanKind,
  type Roles,
  type RunRecord,
  type RunStatus,
  type Situation,
  siteOf,
} from "@cloudphoenix/core";
import type { ControlRoom, DecisionContext } from "../control-room.ts";
import { type QuarantineView, quarantineView } from "./quarantine-view.ts";
import { type ReplicationView, replicationViews } from "./replication-view.ts";

export interface StatusView {
  readonly atMs: number;
  readonly application: { readonly name: string; readonly objectives: Objectives };
  readonly controller: {
    readonly role: "leader" | "follower";
    /** Grows with every change of leader; null while this controller follows. */
    readonly epoch: number | null;
    readonly version: string;
    readonly startedAtMs: number;
  };
  readonly generation: number;
  readonly active: string;
  /** What CloudPhoenix may do by itself, per level. */
  readonly modes: Readonly<Record<Exclude<Level, "none">, Mode>>;
  /** Why a person switched automatic action off; null if nobody did. */
  readonly maintenance: string | null;
  readonly sites: readonly SiteView[];
  readonly standbys: readonly StandbyView[];
  /** Returned old primaries that wait for people; empty on a follower. */
  readonly quarantined: readonly QuarantineView[];
  /** Null before the first decision, and on a follower. */
  readonly decision: DecisionSummary | null;
  readonly activeRun: RunSummary | null;
  /** Whether the application could lose its active site now and go on. */
  readonly protected: { readonly yes: boolean; readonly why: string };
}

interface SiteView {
  readonly id: string;
  readonly cloud: string;
  readonly region: string;
  readonly role: "active" | "standby";
  /** Null while unknown to this controller. */
  readonly score: number | null;
  readonly coverage: number | null;
  readonly level: Level | null;
  /** What adds points now, gravest first. */
  readonly troubles: readonly string[];
}

interface StandbyView {
  readonly site: string;
  /** Whether a move to it could start now without a person accepting a risk. */
  readonly ready: boolean;
  /** Why not; empty if it is ready. */
  readonly reasons: readonly string[];
  readonly entry: string;
  readonly replication: ReplicationView | null;
}

interface DecisionSummary {
  readonly atMs: number;
  readonly verdict: Decision["verdict"];
  readonly action: Decision["action"]["kind"];
  readonly plan: PlanKind | null;
  readonly target: string | null;
  readonly sentence: string;
}

export interface RunSummary {
  readonly id: string;
  readonly kind: PlanKind;
  readonly from: string;
  readonly to: string;
  readonly status: RunStatus;
  readonly startedBy: string;
  readonly startedAtMs: number;
  readonly waitingFor: string | null;
  /** Number of the question that waits for approval. */
  readonly question: number | null;
  readonly stepsDone: number;
  readonly stepsTotal: number;
  /** Titles of the steps in flight. */
  readonly current: readonly string[];
}

/** What the status is made from. */
export interface StatusInput {
  readonly nowMs: number;
  readonly startedAtMs: number;
  readonly version: string;
  readonly application: Application;
  readonly modes: StatusView["modes"];
  /** Distinct people it takes to give data up. */
  readonly approvers: number;
  readonly roles: Roles;
  /** Newest first. */
  readonly runs: readonly RunRecord[];
  readonly room: ControlRoom | null;
}

/** The whole status; a follower knows roles and runs, and says null for what only a leader sees. */
export function statusView(input: StatusInput): StatusView {
  const { application, roles, room } = input;
  const context = room?.latest() ?? null;
  const standbys = context === null ? [] : standbyViews(context);
  const running = input.runs.find((run) => !FINAL_RUN_STATUSES.includes(run.status));
  return {
    atMs: input.nowMs,
    application: { name: application.name, objectives: application.objectives },
    controller: {
      role: room === null ? "follower" : "leader",
      epoch: room?.epoch ?? null,
      version: input.version,
      startedAtMs: input.startedAtMs,
    },
    generation: roles.generation,
    active: roles.active,
    modes: input.modes,
    maintenance: context?.situation.activity.maintenance ?? null,
    sites: application.sites.map((site) => ({
      ...site,
      role: site.id === roles.active ? ("active" as const) : ("standby" as const),
      ...healthOf(site.id, context),
    })),
    standbys,
    quarantined: room?.quarantine.list().map((one) => quarantineView(one, input.approvers)) ?? [],
    decision: context === null ? null : decisionSummary(context.decision),
    activeRun: running === undefined ? null : runSummary(running),
    protected: protection(standbys, roles, room !== null),
  };
}

function healthOf(
  site: string,
  context: DecisionContext | null,
): Pick<SiteView, "score" | "coverage" | "level" | "troubles"> {
  const decision = context?.decision;
  const scores = decision === undefined ? [] : [decision.score, ...decision.standbyScores];
  const score = scores.find((one) => one.site === site);
  if (decision === undefined || score === undefined) {
    return { score: null, coverage: null, level: null, troubles: [] };
  }
  const troubles = score.contributions
    .filter((one) => one.points > 0)
    .toSorted((a, b) => b.points - a.points)
    .map((one) => `${one.signal} ${one.status} (+${one.points}): ${one.detail}`);
  const level = decision.levels[site]?.level ?? "none";
  return { score: score.points, coverage: score.coverage, level, troubles };
}

function standbyViews({ situation, decision }: DecisionContext): readonly StandbyView[] {
  const replications = replicationViews(situation, decision);
  return situation.standbys.map((standby) => {
    const reasons = reasonsAgainst(situation, standby.site);
    return {
      site: standby.site,
      ready: reasons.length === 0,
      reasons,
      entry: `${standby.entry}: ${standby.entryDetail}`,
      replication: replications.find((one) => one.standby === standby.site) ?? null,
    };
  });
}

/**
 * Guards that speak of the standby itself. `one-run` and `freeze-window` are about the moment and
 * are shown by the run and by a dry run.
 */
const ABOUT_THE_MOMENT: readonly string[] = ["one-run", "freeze-window", "cooldown", "maintenance"];

function reasonsAgainst(situation: Situation, target: string): readonly string[] {
  const { application, roles } = situation;
  const sameCloud = siteOf(application, target).cloud === siteOf(application, roles.active).cloud;
  const kind = sameCloud ? "region" : "dr";
  const { guards } = judgeRequest(situation, { kind, target, acceptLoss: false });
  return guards
    .filter(({ guard, outcome }) => outcome !== "pass" && !ABOUT_THE_MOMENT.includes(guard))
    .map(({ sentence }) => sentence);
}

/** The part of a decision that fits on one line. */
function decisionSummary({ atMs, verdict, action }: Decision): DecisionSummary {
  return {
    atMs,
    verdict,
    action: action.kind,
    plan: action.kind === "act" || action.kind === "blocked" ? action.plan : null,
    target: action.kind === "act" ? action.target : null,
    sentence: action.because,
  };
}

/** A run with the progress of its steps. */
export function runSummary(run: RunRecord): RunSummary {
  const { plan } = run;
  const inState = (...states: readonly string[]): readonly string[] =>
    run.steps.filter((step) => states.includes(step.status)).map((step) => step.id);
  const flying = inState("running");
  return {
    id: run.id,
    kind: plan.kind,
    from: plan.from,
    to: plan.to,
    status: run.status,
    startedBy: run.startedBy,
    startedAtMs: run.startedAtMs,
    waitingFor: run.waitingFor,
    question: run.question,
    stepsDone: inState("done", "skipped").length,
    stepsTotal: plan.steps.length,
    current: plan.steps.filter((step) => flying.includes(step.id)).map((step) => step.title),
  };
}

function protection(
  standbys: readonly StandbyView[],
  roles: Roles,
  leads: boolean,
): StatusView["protected"] {
  if (!leads) return { yes: false, why: "This controller follows; ask the leader." };
  const ready = standbys.find((standby) => standby.ready);
  if (ready !== undefined) return { yes: true, why: `${ready.site} is ready to take over.` };
  if (standbys.length > 0) {
    const [first] = standbys;
    return { yes: false, why: `No standby is ready: ${first?.reasons.join(" ") ?? ""}` };
  }
  return {
    yes: false,
    why: roles.protected
      ? "Nothing is known of the standby yet."
      : "No site follows the active one.",
  };
}

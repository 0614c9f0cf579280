/** One possible action judged: where it would go, what every guard says, how many must approve. */

import type { Evidence, GuardName, GuardResult } from "./decision.ts";
import { evidenceFor } from "./evidence.ts";
import { acceptedLoss } from "./guards/data-fresh.ts";
import type { GuardCause, GuardFacts } from "./guards/guard.ts";
import { askGuards } from "./guards/index.ts";
import { aliveUntilMs } from "./last-alive.ts";
import type { AcceptedLoss, PlanKind } from "./plan.ts";
import type { Policy } from "./policy.ts";
import type { SiteScore } from "./score.ts";
import type { Survey } from "./survey.ts";
import { targetsFor } from "./targets.ts";
import type { Site, SiteId } from "./topology.ts";
import { wayBackOf } from "./way-back.ts";

export interface Judgement {
  readonly plan: PlanKind;
  /** Null if the application has no site the plan could go to. */
  readonly target: Site | null;
  readonly evidence: Evidence;
  readonly guards: readonly GuardResult[];
  readonly blocked: readonly GuardResult[];
  /** Distinct people who must approve before the first step; 0 for none. */
  readonly approvers: number;
  /** What the request accepts to lose; null unless it accepts a loss that people must approve. */
  readonly acceptedLoss: AcceptedLoss | null;
  /** Whether somebody other than who starts the run must be among those who approve. */
  readonly another: boolean;
  /** What else speaks against it that people have to agree to, a sentence each. */
  readonly reservations: readonly string[];
}

export interface Question {
  readonly plan: PlanKind;
  readonly cause: GuardCause;
  /** Only this target is considered; without it, every possible one in order of preference. */
  readonly wanted?: SiteId | undefined;
  /** Rollback only: the site the move to be undone went to; without it, the one the records tell of. */
  readonly from?: SiteId | undefined;
}

/** Judges a plan for the first target nothing blocks, else for the most preferred one. */
export function judge(survey: Survey, question: Question): Judgement {
  const { application } = survey.situation;
  const targets = targetsFor(question.plan, application, survey.active).filter(
    (site) => question.wanted === undefined || site.id === question.wanted,
  );
  const judged = targets.map((target) => judgeTarget(survey, question, target));
  const free = judged.find((one) => one.blocked.length === 0);
  return free ?? judged[0] ?? judgeTarget(survey, question, null);
}

function judgeTarget(survey: Survey, question: Question, target: Site | null): Judgement {
  const { situation } = survey;
  // What goes nowhere has its evidence told for the move that would come last.
  const cloud = question.plan === "heal" ? survey.otherCloud : (target?.cloud ?? survey.otherCloud);
  const judged = question.plan === "heal" ? scoreOf(survey, target) : survey.score;
  const evidence = evidenceFor(judged, situation.vantages, cloud);
  const facts: GuardFacts = {
    situation,
    plan: question.plan,
    cause: question.cause,
    active: survey.active,
    target,
    leaves: question.plan === "rollback" ? wayBackOf(situation, question.from).from : null,
    standby: situation.standbys.find((one) => one.site === target?.id) ?? null,
    score: survey.score,
    standbyScores: survey.standbyScores,
    evidence,
    lastAliveAtMs: survey.lastAlive?.atMs ?? null,
    aliveUntilMs: aliveUntilMs(situation),
  };
  const guards = askGuards(facts);
  return {
    plan: question.plan,
    target,
    evidence,
    guards,
    blocked: guards.filter((result) => result.outcome === "block"),
    approvers: approversFor(guards, situation.policy),
    acceptedLoss: guards.some(isAcceptedLoss) ? acceptedLoss(facts) : null,
    another: guards.some(wantsAnother),
    reservations: reservationsIn(guards),
  };
}

/** What else speaks against a run that these guards let people approve, a sentence each. */
export function reservationsIn(guards: readonly GuardResult[]): readonly string[] {
  return guards.filter(isReservation).map(({ sentence }) => sentence);
}

/** Said in the question itself; what may be lost is said there in numbers of its own. */
function isReservation({ guard, outcome }: GuardResult): boolean {
  return outcome === "approve" && guard !== "data-fresh" && guard !== "mode";
}

/** Only by request does that guard let people approve what it would block otherwise. */
function isAcceptedLoss({ guard, outcome }: GuardResult): boolean {
  return guard === "data-fresh" && outcome === "approve";
}

/** A freeze is the word of others: who wants to move anyway cannot agree with themselves. */
function wantsAnother({ guard, outcome }: GuardResult): boolean {
  return guard === "freeze-window" && outcome === "approve";
}

/** What is said against `site`; the active one's score where there is no other. */
function scoreOf({ score, standbyScores }: Survey, site: Site | null): SiteScore {
  return standbyScores.find((one) => one.site === site?.id) ?? score;
}

const RISKS: readonly GuardName[] = [
  "data-fresh",
  "fence-obtainable",
  "schema-parity",
  "never-opened",
];

/** Risks to data want as many people as the policy says, everything else wants one. */
function approversFor(guards: readonly GuardResult[], policy: Policy): number {
  const people = guards
    .filter((result) => result.outcome === "approve")
    .map(({ guard }) => (RISKS.includes(guard) ? Math.max(1, policy.approversForRisk) : 1));
  return Math.max(0, ...people);
}

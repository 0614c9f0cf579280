/**
 * From a situation to what CloudPhoenix does about it.
 *
 * 1. Pure: the same situation gives the same decision.
 * 2. Only the active site's own score can push; standbys are judged as targets, by guards, and are
 *    themselves repaired at most.
 * 3. Too little coverage never acts. Unknown is never a reason to act.
 * 4. Whatever is decided, the decision carries the reasons and the state for the next one.
 */

import { afterHeal } from "./after-heal.ts";
import type {
  DecidedAction,
  Decision,
  Evidence,
  GuardName,
  GuardResult,
  Situation,
} from "./decision.ts";
import {
  calmSentence,
  clearingSentence,
  darkSentence,
  deferringSentence,
  earlySentence,
  heldSentence,
  settlingSentence,
  standbySentence,
  waitingSentence,
} from "./decision-sentences.ts";
import { evidenceFor } from "./evidence.ts";
import { firstAnswers } from "./first-answers.ts";
import { sickStandbys } from "./heal-standby.ts";
import { type Judgement, judge } from "./judge.ts";
import { advanceLevel, holdsNow } from "./level.ts";
import { planWords } from "./plan-words.ts";
import type { Policy } from "./policy.ts";
import type { LevelState, SiteScore } from "./score.ts";
import { type Survey, surveyOf } from "./survey.ts";
import type { SiteId } from "./topology.ts";

/** Guards that speak of where a move would go, and of nothing else. */
const JUDGES_TARGET: readonly GuardName[] = [
  "target-exists",
  "target-ready",
  "data-fresh",
  "schema-parity",
];

interface Outcome {
  readonly guards: readonly GuardResult[];
  readonly evidence: Evidence;
  readonly action: DecidedAction;
}

/**
 * Decides what to do now.
 *
 * The level that counts comes from hysteresis. Something is done about it only while the score
 * holds at that level at this moment: a level that is on its way to clear, or a score that flaps
 * inside the clearing time, acts no more.
 *
 * If a move lacks evidence, too few independent witnesses agree for something that grave. Healing
 * in place then goes on if its own guards allow: it needs one witness, loses nothing, and a move
 * supersedes it. That is so even if the site should turn out to be gone: the heal then fails and
 * does no harm. If only its targets stand against a move across clouds, a region of the same cloud
 * that can take over does. A move that is blocked for any other reason is left to a person.
 *
 * @throws {RangeError} if the active site is not one of the application's
 */
export function decide(situation: Situation): Decision {
  const survey = surveyOf(situation);
  const { active, score, standbyScores } = survey;
  const { policy, nowMs } = situation;
  const advance = (one: SiteScore): LevelState =>
    advanceLevel(situation.levels[one.site], one, policy, nowMs);
  const state = advance(score);
  const known = score.coverage >= policy.coverageMin;
  const levels = {
    ...Object.fromEntries(standbyScores.map((one) => [one.site, advance(one)])),
    [active.id]: state,
  };
  return {
    atMs: nowMs,
    active: active.id,
    generation: situation.roles.generation,
    verdict: known ? state.level : "unknown",
    score,
    standbyScores,
    ...(known
      ? orStandbyHealed(survey, outcomeAt(survey, state), levels)
      : unjudged(survey, actionInTheDark(survey))),
    levels,
    lastAlive: survey.lastAlive,
  };
}

/**
 * With too little known, a person is told if anything at all was or is wrong, once every probe has
 * had the time to answer; nothing is done.
 */
function actionInTheDark(survey: Survey): DecidedAction {
  const { situation, active, score } = survey;
  const before = situation.levels[active.id]?.level ?? "none";
  const known = darkSentence(survey);
  if (before === "none" && score.points === 0) {
    return { kind: "hold", because: `${known}; nothing that is known is wrong.` };
  }
  const wrong =
    before === "none"
      ? `what is known scores ${score.points}`
      : `when it was last known, level ${before} counted`;
  const waiting = firstAnswers(survey);
  return waiting === null
    ? { kind: "page", because: `${known}; ${wrong}.` }
    : { kind: "hold", because: `${known}; ${wrong}. ${waitingSentence(waiting)}` };
}

function outcomeAt(survey: Survey, state: LevelState): Outcome {
  const { policy, nowMs } = survey.situation;
  const { level } = state;
  if (level === "none") {
    return unjudged(survey, { kind: "hold", because: calmSentence(survey, state) });
  }
  if (!holdsNow(state, level, policy, nowMs)) {
    return unjudged(survey, { kind: "hold", because: clearingSentence(survey, level) });
  }
  const because = heldSentence(survey, state, level);
  const graver = graverSoon(state, policy, nowMs);
  if (graver !== null) {
    return unjudged(survey, { kind: "hold", because: deferringSentence(survey, graver) });
  }
  if (level === "heal") return healOutcome(survey, because);
  const move = moveOutcome(survey, level, because);
  const isRegionDue = level === "dr" && holdsNow(state, "region", policy, nowMs);
  return (isRegionDue ? regionInstead(survey, move, because) : null) ?? move;
}

/**
 * The graver level that will count before a heal could show an effect; null if there is none. A
 * lost region passes the lower bands on its way: what started there would only be in the way.
 */
function graverSoon(
  { heldSinceMs, level: counting }: LevelState,
  { holdMs }: Policy,
  nowMs: number,
): { readonly level: "region" | "dr"; readonly leftMs: number } | null {
  for (const level of ["dr", "region"] as const) {
    if (level === counting) return null;
    const sinceMs = heldSinceMs[level];
    if (sinceMs === null) continue;
    const leftMs = holdMs[level] - (nowMs - sinceMs);
    if (leftMs <= holdMs.heal) return { level, leftMs };
  }
  return null;
}

function moveOutcome(survey: Survey, level: "region" | "dr", because: string): Outcome {
  const move = judge(survey, { plan: level, cause: { kind: "level", level } });
  const outcome = settledOutcome(survey, level, outcomeOf(move, actionFor(move, because)));
  const lacking = move.blocked.find((result) => result.guard === "evidence");
  if (lacking === undefined) return outcome;
  const reason = `${because} Too little evidence for ${planWords(level)}: ${lacking.sentence}`;
  const heal = healOutcome(survey, reason);
  if (heal.action.kind === "blocked") return outcome;
  return { ...heal, evidence: move.evidence, guards: [...move.guards, ...heal.guards] };
}

/**
 * The move within the cloud, if only the targets in other clouds stand against the one across clouds
 * and nothing stands against this one: its target must be ready and fresh itself, which it cannot be
 * if the whole cloud is gone. Null otherwise.
 */
function regionInstead(survey: Survey, across: Outcome, because: string): Outcome | null {
  const blocked = across.guards.filter(({ outcome }) => outcome === "block");
  const isTargets = blocked.every(({ guard }) => JUDGES_TARGET.includes(guard));
  if (across.action.kind !== "blocked" || !isTargets) return null;
  const region = judge(survey, { plan: "region", cause: { kind: "level", level: "region" } });
  if (region.target === null || region.blocked.length > 0) return null;
  const why = blocked.map(({ sentence }) => sentence).join(" ");
  const reason = `${because} No other cloud can take over: ${why} ${region.target.id} can.`;
  const outcome = outcomeOf(region, actionFor(region, reason));
  const guards = [...across.guards, ...region.guards];
  return settledOutcome(survey, "region", { ...outcome, guards });
}

/** Right after a heal that worked, a move begins only if what was seen since then is enough for it. */
function settledOutcome(survey: Survey, level: "region" | "dr", outcome: Outcome): Outcome {
  const { action } = outcome;
  const settling = action.kind === "act" ? afterHeal(survey) : null;
  if (action.kind !== "act" || settling === null) return outcome;
  const question = { plan: level, cause: { kind: "level", level }, wanted: action.target } as const;
  const isBad = settling.survey.score.points >= survey.situation.policy.bands[level];
  if (isBad && judge(settling.survey, question).blocked.length === 0) return outcome;
  return { ...outcome, action: { kind: "hold", because: earlySentence(settling, level) } };
}

/**
 * What was decided, or the repair of a standby where that comes first: when the active site needs
 * nothing, or when it needs a move that only its target holds up.
 */
function orStandbyHealed(
  survey: Survey,
  decided: Outcome,
  levels: Readonly<Record<SiteId, LevelState>>,
): Outcome {
  const { situation, standbyScores, active } = survey;
  const calm = decided.action.kind === "hold" && levels[active.id]?.level === "none";
  const waits =
    decided.action.kind === "blocked" &&
    decided.guards.some(({ guard, outcome }) => guard === "target-ready" && outcome !== "pass");
  if (!calm && !waits) return decided;
  for (const sick of sickStandbys(situation, standbyScores, levels)) {
    if (justHealedMs(situation, sick.site) !== null) continue;
    const heal = judge(survey, {
      plan: "heal",
      cause: { kind: "level", level: "heal" },
      wanted: sick.site,
    });
    const action = actionFor(heal, standbySentence(survey, sick));
    // A move that is blocked says more than a repair that is.
    if (action.kind === "act" || (calm && action.kind !== "hold")) return outcomeOf(heal, action);
  }
  return decided;
}

function healOutcome(survey: Survey, because: string): Outcome {
  const heal = judge(survey, {
    plan: "heal",
    cause: { kind: "level", level: "heal" },
    wanted: survey.active.id,
  });
  const endedAgoMs = justHealedMs(survey.situation, survey.active.id);
  if (endedAgoMs === null) return outcomeOf(heal, actionFor(heal, because));
  return outcomeOf(heal, { kind: "hold", because: settlingSentence(survey, endedAgoMs) });
}

/**
 * How long ago the newest heal ended, if that is too short to see its effect; else null. Answers
 * asked before a repair say nothing about it, so the score must hold anew from its end.
 */
function justHealedMs({ activity, nowMs, policy }: Situation, healed: SiteId): number | null {
  const agosMs = activity.healsEnded.flatMap(({ site, atMs }) =>
    site === healed ? nowMs - atMs : [],
  );
  return agosMs.find((agoMs) => agoMs >= 0 && agoMs < policy.holdMs.heal) ?? null;
}

function actionFor(
  { plan, blocked, target, approvers }: Judgement,
  because: string,
): DecidedAction {
  if (target !== null && blocked.length === 0) {
    return { kind: "act", plan, target: target.id, approvers, because };
  }
  const [first] = blocked;
  const sentences = blocked.map((result) => result.sentence).join(" ");
  if (blocked.length === 1 && first?.guard === "one-run") {
    return { kind: "hold", because: sentences };
  }
  if (blocked.length === 1 && first?.guard === "heals-left") {
    return { kind: "page", because: `${because} ${sentences}` };
  }
  return { kind: "blocked", plan, because: `${because} ${sentences}` };
}

/** No guard was asked; evidence is told for the move across clouds that would come last. */
function unjudged({ situation, score, otherCloud }: Survey, action: DecidedAction): Outcome {
  return { guards: [], evidence: evidenceFor(score, situation.vantages, otherCloud), action };
}

function outcomeOf({ guards, evidence }: Judgement, action: DecidedAction): Outcome {
  return { guards, evidence, action };
}

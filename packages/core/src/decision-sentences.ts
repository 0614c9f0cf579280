/** The sentences of a decision that no guard says. */

import type { AfterHeal } from "./after-heal.ts";
import type { FirstAnswers } from "./first-answers.ts";
import type { SickStandby } from "./heal-standby.ts";
import { type ActingLevel, levelOf } from "./level.ts";
import type { LevelState } from "./score.ts";
import { limitText, measuredText, percentText } from "./span-text.ts";
import type { Survey } from "./survey.ts";

/** How much is known and how much would be needed. */
export function darkSentence({ situation, active, score }: Survey): string {
  return `${percentText(score.coverage)} of the score of ${active.id} is known, ${percentText(situation.policy.coverageMin)} is needed to decide`;
}

/** Why nobody is called yet although too little is known and something is wrong. */
export function waitingSentence({ watchedMs, limitMs }: FirstAnswers): string {
  return `Not every probe has answered yet: this controller began to watch ${measuredText(watchedMs)} ago, a person is called after ${limitText(limitMs)}.`;
}

/** Why the level counts and acts. */
export function heldSentence(
  { situation, active, score }: Survey,
  state: LevelState,
  level: ActingLevel,
): string {
  const heldMs = situation.nowMs - (state.heldSinceMs[level] ?? situation.nowMs);
  return `${active.id} scores ${score.points} and has held level ${level} (from ${situation.policy.bands[level]}) for ${measuredText(heldMs)}.`;
}

/** Why a standby is repaired. */
export function standbySentence(
  { situation }: Survey,
  { site, score, state }: SickStandby,
): string {
  const { policy, nowMs } = situation;
  const heldMs = nowMs - (state.heldSinceMs.heal ?? nowMs);
  return `Standby ${site} scores ${score.points} and has held level heal (from ${policy.bands.heal}) for ${measuredText(heldMs)}: it could not take over as it is.`;
}

/** Why a level that counts starts nothing: the score is not there at this moment. */
export function clearingSentence({ situation, active, score }: Survey, level: ActingLevel): string {
  return `${active.id} scores ${score.points}: level ${level} (from ${situation.policy.bands[level]}) still counts but does not hold, so nothing is started.`;
}

/** Why no level counts, and when one would. */
export function calmSentence({ situation, active, score }: Survey, state: LevelState): string {
  const { policy, nowMs } = situation;
  const level = levelOf(score.points, policy.bands);
  const next = firstToCount(state, policy, nowMs);
  if (next === null) {
    return `${active.id} scores ${score.points}, healing starts at ${policy.bands.heal}.`;
  }
  return `${active.id} scores ${score.points} (${level}); level ${next.level} counts if it holds for another ${measuredText(next.leftMs)}.`;
}

/** Why what is due waits: something graver is about to count. */
export function deferringSentence(
  { active, score }: Survey,
  graver: { readonly level: ActingLevel; readonly leftMs: number },
): string {
  return `${active.id} scores ${score.points}: level ${graver.level} counts if it holds for another ${measuredText(Math.max(0, graver.leftMs))}, so nothing smaller is started.`;
}

/** Why a heal that just ended is not followed by another one at once. */
export function settlingSentence({ situation }: Survey, endedAgoMs: number): string {
  const { heal } = situation.policy.holdMs;
  return `A heal ended ${measuredText(endedAgoMs)} ago; its effect is judged ${limitText(heal)} after its end.`;
}

/** Why a move that is due does not begin: the site may be well by now. */
export function earlySentence({ survey, endedAgoMs }: AfterHeal, level: ActingLevel): string {
  const { active, score, situation } = survey;
  return `A heal of ${active.id} worked and ended ${measuredText(endedAgoMs)} ago; what was asked since then scores ${score.points}, level ${level} (from ${situation.policy.bands[level]}) is not proven anew yet.`;
}

/** The level whose hold ends first; null if the score holds at none. */
function firstToCount(
  state: LevelState,
  policy: Survey["situation"]["policy"],
  nowMs: number,
): { readonly level: ActingLevel; readonly leftMs: number } | null {
  const levels: readonly ActingLevel[] = ["heal", "region", "dr"];
  const [first] = levels
    .flatMap((level) => {
      const sinceMs = state.heldSinceMs[level];
      return sinceMs === null ? [] : [{ level, leftMs: policy.holdMs[level] - (nowMs - sinceMs) }];
    })
    .toSorted((a, b) => a.leftMs - b.leftMs);
  return first ?? null;
}

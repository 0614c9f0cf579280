/**
 * From a score that jumps to a level that counts.
 *
 * 1. A level is raised only after the score has been at or above its band, at every look, for
 *    `holdMs` without a break.
 * 2. It is cleared only after the score has been below its band minus the margin, at every look,
 *    for `clearMs`; it then falls to the gravest level that has held.
 * 3. A look with too little coverage proves nothing in either direction: what had been holding or
 *    clearing starts again.
 */

import type { Policy } from "./policy.ts";
import { LEVELS, type Level, type LevelState, type SiteScore } from "./score.ts";

/** A level at which something is done. */
export type ActingLevel = Exclude<Level, "none">;

/** Gravest first. */
const ACTING_LEVELS: readonly ActingLevel[] = ["dr", "region", "heal"];

/** The level a score stands for at one instant, without hysteresis. */
export function levelOf(points: number, bands: Policy["bands"]): Level {
  return ACTING_LEVELS.find((level) => points >= bands[level]) ?? "none";
}

/**
 * Carries hysteresis one look further. `undefined` starts at `none`.
 *
 * Looks may be any time apart. A clock that jumps back only makes holding start again from there.
 */
export function advanceLevel(
  before: LevelState | undefined,
  score: SiteScore,
  policy: Policy,
  nowMs: number,
): LevelState {
  const state = before ?? startState(nowMs);
  if (score.coverage < policy.coverageMin) {
    return { ...state, heldSinceMs: NOTHING_HELD, clearingSinceMs: null };
  }
  const heldSince = (level: ActingLevel): number | null =>
    score.points < policy.bands[level] ? null : Math.min(state.heldSinceMs[level] ?? nowMs, nowMs);
  const heldSinceMs = {
    heal: heldSince("heal"),
    region: heldSince("region"),
    dr: heldSince("dr"),
  };
  const held = ACTING_LEVELS.find((level) =>
    hasHeld(heldSinceMs[level], policy.holdMs[level], nowMs),
  );
  const reached: Level = held ?? "none";
  if (graverThan(reached, state.level)) {
    return { level: reached, sinceMs: nowMs, heldSinceMs, clearingSinceMs: null };
  }
  const quiet =
    state.level !== "none" && score.points < policy.bands[state.level] - policy.clearMargin;
  if (!quiet) return { ...state, heldSinceMs, clearingSinceMs: null };
  const clearingSinceMs = Math.min(state.clearingSinceMs ?? nowMs, nowMs);
  if (nowMs - clearingSinceMs < policy.clearMs) return { ...state, heldSinceMs, clearingSinceMs };
  return { level: reached, sinceMs: nowMs, heldSinceMs, clearingSinceMs: null };
}

/** Whether a level graver than `none` holds now: at or above its band for `holdMs`. */
export function holdsNow(
  state: LevelState,
  level: ActingLevel,
  policy: Policy,
  nowMs: number,
): boolean {
  return hasHeld(state.heldSinceMs[level], policy.holdMs[level], nowMs);
}

const NOTHING_HELD: LevelState["heldSinceMs"] = { heal: null, region: null, dr: null };

function startState(nowMs: number): LevelState {
  return { level: "none", sinceMs: nowMs, heldSinceMs: NOTHING_HELD, clearingSinceMs: null };
}

function hasHeld(sinceMs: number | null, holdMs: number, nowMs: number): boolean {
  return sinceMs !== null && nowMs - sinceMs >= holdMs;
}

function graverThan(a: Level, b: Level): boolean {
  return LEVELS.indexOf(a) > LEVELS.indexOf(b);
}

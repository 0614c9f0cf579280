/**
 * What one vantage has to say about one signal right now: an answer that counts, or why none does.
 *
 * 1. Only the newest observation of a signal from a vantage is looked at; of two asked at the same
 *    instant the milder one, so the order in which they arrive cannot matter.
 * 2. Older than the signal's freshness means no answer. So does an instant that far in the future:
 *    it comes from a clock that jumped, and must not stay "fresh" for as long as the jump was.
 * 3. What a vantage says while it cannot see its canaries does not count, good or bad.
 */

import type { Observation, Signal, Status, Vantage, VantageSight } from "./signal.ts";

/** The facts answers are read from; a `Situation` is one. */
export interface AnswerFacts {
  readonly vantages: readonly Vantage[];
  readonly observations: readonly Observation[];
  readonly sights: readonly VantageSight[];
  readonly nowMs: number;
}

export type Answer =
  | {
      readonly counts: true;
      readonly vantage: Vantage;
      readonly status: Exclude<Status, "unknown">;
      readonly observation: Observation;
    }
  | { readonly counts: false; readonly why: string };

/** Canaries may be asked less often than signals, so a sight lasts at least this long. */
const SIGHT_FRESH_MIN_MS = 5_000;

const MILDNESS: readonly Status[] = ["healthy", "unknown", "degraded", "unhealthy"];

/** Reads answers from `facts`; sorts the observations once, so one reader serves many signals. */
export function answerReader(facts: AnswerFacts): (signal: Signal, vantage: string) => Answer {
  const newest = new Map<string, Observation>();
  for (const observation of facts.observations) {
    const key = keyOf(observation.signal, observation.vantage);
    const known = newest.get(key);
    if (known === undefined || replaces(observation, known)) newest.set(key, observation);
  }
  return (signal, vantageId) => {
    const vantage = facts.vantages.find((candidate) => candidate.id === vantageId);
    if (vantage === undefined) return none(`${vantageId} is not a known vantage`);
    const observation = newest.get(keyOf(signal.id, vantageId));
    if (observation === undefined) return none(`no answer from ${vantageId} yet`);
    const { status } = observation;
    if (status === "unknown") return none(`${vantageId} could not ask: ${observation.detail}`);
    if (Math.abs(facts.nowMs - observation.atMs) > signal.freshnessMs) {
      return none(`the last answer from ${vantageId} is stale`);
    }
    const blind = blindness(signal, vantageId, facts);
    if (blind !== null) return none(blind);
    return { counts: true, vantage, status, observation };
  };
}

/**
 * Why the vantage cannot be believed; null if it can.
 *
 * Without any sight ever the vantage has no canaries and is believed. Once it has had one, silence
 * about its sight is no information: a vantage whose canary check died may be blind by now, so
 * only a fresh "I see" makes it count again.
 */
function blindness(signal: Signal, vantage: string, facts: AnswerFacts): string | null {
  const sight = newestSight(facts.sights, vantage);
  if (sight === null) return null;
  const lastsMs = Math.max(signal.freshnessMs, SIGHT_FRESH_MIN_MS);
  if (Math.abs(facts.nowMs - sight.atMs) > lastsMs) {
    return `${vantage} has not checked its canaries lately`;
  }
  return sight.sees ? null : `${vantage} is blind: its canaries fail`;
}

/** The newest sight of a vantage, of two at the same instant the one that does not see. */
export function newestSight(sights: readonly VantageSight[], vantage: string): VantageSight | null {
  let newest: VantageSight | null = null;
  for (const sight of sights) {
    if (sight.vantage !== vantage) continue;
    const later = newest === null || sight.atMs > newest.atMs;
    if (later || (newest?.atMs === sight.atMs && !sight.sees)) newest = sight;
  }
  return newest;
}

function replaces(candidate: Observation, known: Observation): boolean {
  if (candidate.atMs !== known.atMs) return candidate.atMs > known.atMs;
  return MILDNESS.indexOf(candidate.status) < MILDNESS.indexOf(known.status);
}

function keyOf(signal: string, vantage: string): string {
  return JSON.stringify([signal, vantage]);
}

function none(why: string): Answer {
  return { counts: false, why };
}

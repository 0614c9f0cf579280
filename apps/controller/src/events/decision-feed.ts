/** Which decisions are worth telling: four a second are made, few of them say anything new. */

import type { Decision, SiteScore, Situation } from "@cloudphoenix/core";

/** What people read of a decision; if two are equal here, the second says nothing new. */
export function gistOf(decision: Decision): string {
  const scores = [decision.score, ...decision.standbyScores].map(({ site, points, coverage }) => [
    site,
    points,
    coverage,
    decision.levels[site]?.level,
  ]);
  const { action, verdict, generation, active, guards } = decision;
  const because = action.because.replaceAll(/\d+(?:\.\d+)?/g, "#");
  const plan = "plan" in action ? action.plan : null;
  const outcomes = guards.map(({ guard, outcome }) => [guard, outcome]);
  return JSON.stringify([
    generation,
    active,
    verdict,
    action.kind,
    plan,
    because,
    scores,
    outcomes,
  ]);
}

export interface ObservationSummary {
  readonly atMs: number;
  readonly sites: readonly {
    readonly site: string;
    readonly points: number;
    readonly coverage: number;
  }[];
  readonly signals: readonly {
    readonly signal: string;
    readonly status: string;
    readonly points: number;
    /** Slowest of the newest answers; null if none came. */
    readonly latencyMs: number | null;
  }[];
}

/** The newest answers in a few numbers per signal, for charts. */
export function observationSummary(decision: Decision, situation: Situation): ObservationSummary {
  const scores: readonly SiteScore[] = [decision.score, ...decision.standbyScores];
  return {
    atMs: decision.atMs,
    sites: scores.map(({ site, points, coverage }) => ({ site, points, coverage })),
    signals: scores.flatMap(({ contributions }) =>
      contributions.map(({ signal, status, points }) => {
        const latencies = situation.observations.flatMap((one) =>
          one.signal === signal && one.latencyMs !== null ? [one.latencyMs] : [],
        );
        return {
          signal,
          status,
          points,
          latencyMs: latencies.length === 0 ? null : Math.max(...latencies),
        };
      }),
    ),
  };
}

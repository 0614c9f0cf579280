/** Every signal with its newest answers and what they were settled to. */

import type { Decision, Observation, Signal, Situation, Status } from "@cloudphoenix/core";

export interface SignalView {
  readonly id: string;
  readonly kind: Signal["kind"];
  readonly site: string;
  readonly status: Status;
  readonly points: number;
  readonly pointsMax: number;
  readonly detail: string;
  readonly intervalMs: number;
  readonly freshnessMs: number;
  readonly answers: readonly AnswerView[];
}

interface AnswerView {
  readonly vantage: string;
  readonly failureDomain: string | null;
  readonly status: Status;
  readonly detail: string;
  readonly latencyMs: number | null;
  readonly atMs: number;
  readonly ageMs: number;
  /** Too old to count. */
  readonly stale: boolean;
  /** Whether the vantage's own canaries answer; null if it never said. */
  readonly sees: boolean | null;
}

/** One view per configured signal, in configuration order. */
export function signalViews(situation: Situation, decision: Decision): readonly SignalView[] {
  const scores = [decision.score, ...decision.standbyScores];
  const settled = new Map(
    scores.flatMap((score) => score.contributions.map((one) => [one.signal, one])),
  );
  return situation.signals.map((signal) => {
    const contribution = settled.get(signal.id);
    return {
      id: signal.id,
      kind: signal.kind,
      site: signal.site,
      status: contribution?.status ?? "unknown",
      points: contribution?.points ?? 0,
      pointsMax: contribution?.pointsMax ?? signal.points.unhealthy,
      detail: contribution?.detail ?? "no answer yet",
      intervalMs: signal.intervalMs,
      freshnessMs: signal.freshnessMs,
      answers: situation.observations
        .filter((observation) => observation.signal === signal.id)
        .map((observation) => answerView(observation, signal, situation)),
    };
  });
}

function answerView(observation: Observation, signal: Signal, situation: Situation): AnswerView {
  const { vantage, status, detail, latencyMs, atMs } = observation;
  const ageMs = Math.max(0, situation.nowMs - atMs);
  const domain = situation.vantages.find((one) => one.id === vantage)?.failureDomain;
  const sight = situation.sights.find((one) => one.vantage === vantage);
  return {
    vantage,
    failureDomain: domain ?? null,
    status,
    detail,
    latencyMs,
    atMs,
    ageMs,
    stale: ageMs > signal.freshnessMs,
    sees: sight?.sees ?? null,
  };
}

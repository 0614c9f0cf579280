/** The score of a site: points of its settled signals, and how much of it is known. */

import { type Answer, type AnswerFacts, answerReader } from "./fresh-answer.ts";
import type { Contribution, SiteScore } from "./score.ts";
import type { Signal, Status } from "./signal.ts";
import type { SiteId } from "./topology.ts";

/** What a score depends on; a `Situation` with a `site` is one. */
export interface ScoreInput extends AnswerFacts {
  readonly site: SiteId;
  readonly signals: readonly Signal[];
}

type CountedAnswer = Extract<Answer, { readonly counts: true }>;

/**
 * Adds up the points of the site's signals, each settled by majority over its vantages first.
 *
 * Promises, each proved by a property test: an answer that turns unknown (missing, stale, blind)
 * never raises the points; neither does one more healthy answer; signals of other sites do not
 * matter; the order of observations and sights does not matter.
 *
 * Coverage is weighted by the most each signal could add. Signals worth 0 points do not count
 * there: they cannot vote, so not knowing them costs nothing.
 */
export function scoreSite(input: ScoreInput): SiteScore {
  const answer = answerReader(input);
  const contributions = input.signals
    .filter((signal) => signal.site === input.site)
    .map((signal) =>
      contributionOf(
        signal,
        signal.vantages.map((id) => answer(signal, id)),
      ),
    );
  const known = contributions.filter((one) => one.status !== "unknown");
  const knowable = sumOf(contributions.map((one) => one.pointsMax));
  return {
    site: input.site,
    points: sumOf(contributions.map((one) => one.points)),
    coverage: knowable === 0 ? 1 : sumOf(known.map((one) => one.pointsMax)) / knowable,
    contributions,
  };
}

/**
 * Settles the answers of all configured vantages of one signal; `unknown` stands for none.
 *
 * A status at least as bad as X settles if more than half of *all* its vantages say at least X.
 * Counting only those that answered would let a vantage that falls silent turn a tie into an
 * alarm: unknown would have raised the score. If nothing bad settles, the signal is healthy when
 * at least half of all vantages say so (ties settle on the milder), and unknown otherwise. Use
 * one or three vantages per signal: with two, both must agree on what is bad.
 */
function settle(statuses: readonly Status[]): Status {
  const half = statuses.length / 2;
  const unhealthy = statuses.filter((status) => status === "unhealthy").length;
  const degraded = statuses.filter((status) => status === "degraded").length;
  const healthy = statuses.filter((status) => status === "healthy").length;
  if (unhealthy > half) return "unhealthy";
  if (unhealthy + degraded > half) return "degraded";
  return healthy > 0 && healthy >= half ? "healthy" : "unknown";
}

function contributionOf(signal: Signal, answers: readonly Answer[]): Contribution {
  const status = settle(answers.map((answer) => (answer.counts ? answer.status : "unknown")));
  const agreeing = answers.filter(counted).filter((answer) => agrees(answer.status, status));
  const newest = agreeing.reduce<CountedAnswer | null>(
    (best, one) => (best === null || one.observation.atMs > best.observation.atMs ? one : best),
    null,
  );
  return {
    signal: signal.id,
    kind: signal.kind,
    status,
    points: pointsOf(signal, status),
    pointsMax: Math.max(signal.points.degraded, signal.points.unhealthy),
    vantages: agreeing.map((answer) => answer.vantage.id),
    failureDomains: [...new Set(agreeing.map((answer) => answer.vantage.failureDomain))].toSorted(),
    detail: newest?.observation.detail ?? whyUnknown(answers),
    atMs: newest?.observation.atMs ?? null,
  };
}

/** A vantage that saw worse than what settled agrees that it is at least that bad. */
function agrees(said: Status, settled: Status): boolean {
  return said === settled || (settled === "degraded" && said === "unhealthy");
}

function pointsOf(signal: Signal, status: Status): number {
  return status === "degraded" || status === "unhealthy" ? signal.points[status] : 0;
}

function whyUnknown(answers: readonly Answer[]): string {
  const reasons = answers.flatMap((answer) => (answer.counts ? [] : [answer.why]));
  return reasons.length > 0 ? reasons.join("; ") : "nobody is asked";
}

function counted(answer: Answer): answer is CountedAnswer {
  return answer.counts;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

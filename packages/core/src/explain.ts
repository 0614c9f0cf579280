/** A decision as the text an on-call engineer reads at 3 a.m. Plain text, no colours. */

import { unreachable } from "./error.ts";
import type { DecidedAction, Decision, GuardResult, Situation } from "./decision.ts";
import { changesOf } from "./explain-changes.ts";
import { peopleText, planWords } from "./plan-words.ts";
import type { Contribution, SiteScore } from "./score.ts";
import { measuredText, percentText } from "./span-text.ts";
import { textTable } from "./text-table.ts";

/**
 * The whole reasoning behind `decision`: the verdict in one sentence, what was seen from where and
 * how long ago, coverage, evidence, every guard (blocking ones first), and what would change it.
 *
 * @param situation - the one the decision was made from; only names and limits are read from it
 */
export function explainDecision(decision: Decision, situation: Situation): string {
  const sections = [
    [headline(decision)],
    [
      `What was seen of ${decision.active} (active, generation ${decision.generation})`,
      ...seen(decision),
    ],
    ["What that adds up to", ...sums(decision, situation)],
    guardSection(decision.guards),
    ["What would change this", ...changesOf(decision, situation).map((line) => `  - ${line}`)],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

function headline(decision: Decision): string {
  const { verdict, action, active, score } = decision;
  if (action.kind !== "blocked") {
    return `Verdict ${verdict}, ${actionWords(action)}: ${action.because}`;
  }
  // The sentences of what blocks stand below, one per line; here they would bury the verdict.
  const names = decision.guards.filter((one) => one.outcome === "block").map((one) => one.guard);
  const plan = action.plan === null ? "action" : planWords(action.plan);
  return `Verdict ${verdict}, ${plan} is blocked by ${names.join(", ")}: ${active} scores ${score.points}.`;
}

function actionWords(action: Exclude<DecidedAction, { readonly kind: "blocked" }>): string {
  switch (action.kind) {
    case "hold":
      return "nothing is done";
    case "act":
      return `${actWords(action)} ${action.approvers === 0 ? "starts now" : `waits for ${peopleText(action.approvers)} to approve`}`;
    case "page":
      return "a person must look";
    default:
      return unreachable(action);
  }
}

function actWords({ plan, target }: Extract<DecidedAction, { readonly kind: "act" }>): string {
  return `${planWords(plan)} ${plan === "heal" ? "at" : "to"} ${target}`;
}

function seen({ score, atMs }: Decision): readonly string[] {
  if (score.contributions.length === 0) return ["  no signal is configured"];
  const rows = score.contributions.map((one) => rowOf(one, atMs));
  const header = ["signal", "status", "points", "from", "age", "detail"];
  return textTable([header, ...rows]).map((line) => `  ${line}`);
}

function rowOf(one: Contribution, nowMs: number): readonly string[] {
  return [
    one.signal,
    one.status,
    `${one.points} of ${one.pointsMax}`,
    one.vantages.join(", ") || "-",
    one.atMs === null ? "-" : measuredText(Math.max(0, nowMs - one.atMs)),
    one.detail,
  ];
}

function sums(decision: Decision, { policy }: Situation): readonly string[] {
  const { evidence, score, standbyScores } = decision;
  const { heal, region, dr } = policy.bands;
  const domains = evidence.failureDomains;
  return [
    `  score     ${score.points} (heal from ${heal}, region from ${region}, dr from ${dr})`,
    `  coverage  ${percentText(score.coverage)} known (at least ${percentText(policy.coverageMin)} needed)`,
    `  evidence  ${domains.length} failure domains${domains.length > 0 ? ` (${domains.join(", ")})` : ""}; from the other cloud: ${yesNo(evidence.seenFromTarget)}; from outside: ${yesNo(evidence.seenFromOutside)}`,
    ...standbyScores.map(standbyLine),
  ];
}

function standbyLine({ site, points, coverage }: SiteScore): string {
  return `  standby   ${site} scores ${points}, ${percentText(coverage)} known (never pushes towards a move)`;
}

function guardSection(guards: readonly GuardResult[]): readonly string[] {
  if (guards.length === 0) return [];
  const marks = { block: "✗", approve: "!", pass: "✓" } as const;
  const order = ["block", "approve", "pass"] as const;
  const lines = order.flatMap((outcome) =>
    guards
      .filter((one) => one.outcome === outcome)
      .map((one) => `  ${marks[outcome]} ${one.guard}: ${one.sentence}`),
  );
  return ["Guards (✗ blocks, ! needs approval, ✓ passes)", ...lines];
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}

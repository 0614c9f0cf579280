/** What would have to change for a decision to come out differently. */

import { unreachable } from "./error.ts";
import type { Decision, GuardName, Situation } from "./decision.ts";
import { type ActingLevel, levelOf } from "./level.ts";
import { limitText, percentText } from "./span-text.ts";

/** One imperative or conditional sentence per way out; never empty. */
export function changesOf(decision: Decision, situation: Situation): readonly string[] {
  switch (decision.action.kind) {
    case "hold":
      return decision.verdict === "unknown"
        ? [moreCoverage(decision, situation)]
        : holdChanges(decision, situation);
    case "page":
      return decision.verdict === "unknown"
        ? [moreCoverage(decision, situation), BY_HAND]
        : [...blockers(decision), BY_HAND];
    case "blocked":
      return blockers(decision);
    case "act":
      return [
        decision.action.approvers > 0
          ? "Approve or cancel the run: cloudphoenix runs, then cloudphoenix run approve or run cancel."
          : "Stop it with cloudphoenix run cancel.",
        clearing(decision, situation),
      ];
    default:
      return unreachable(decision.action);
  }
}

const BY_HAND =
  "If the site really is down, start by hand: cloudphoenix heal or cloudphoenix failover.";

function moreCoverage({ score }: Decision, { policy }: Situation): string {
  const silent = score.contributions
    .filter((one) => one.status === "unknown" && one.pointsMax > 0)
    .map((one) => one.signal);
  return `Get answers again from ${silent.join(", ")}: from ${percentText(policy.coverageMin)} coverage on, the score counts.`;
}

function holdChanges(decision: Decision, situation: Situation): readonly string[] {
  const { policy } = situation;
  const state = decision.levels[decision.active];
  if (state !== undefined && state.level !== "none") return [clearing(decision, situation)];
  const level = levelOf(decision.score.points, policy.bands);
  if (level !== "none")
    return [`The count starts again as soon as the score falls below ${policy.bands[level]}.`];
  const missing = policy.bands.heal - decision.score.points;
  return [
    `${missing} more points, held for ${limitText(policy.holdMs.heal)}, would start healing in place.`,
  ];
}

function clearing(decision: Decision, { policy }: Situation): string {
  const level: ActingLevel | "none" = decision.levels[decision.active]?.level ?? "none";
  if (level === "none") return "Nothing: no level counts.";
  const below = policy.bands[level] - policy.clearMargin;
  return `Level ${level} clears once the score stays below ${below} for ${limitText(policy.clearMs)}.`;
}

function blockers(decision: Decision): readonly string[] {
  const blocking = decision.guards.filter((result) => result.outcome === "block");
  return [...new Set(blocking.map((result) => WAYS_OUT[result.guard]))];
}

/** What an operator can do about each guard that blocks. */
const WAYS_OUT: Readonly<Record<GuardName, string>> = {
  "target-exists":
    "Add a site that fits to the configuration, or start another kind of move by hand.",
  "target-ready": "Repair the target: cloudphoenix replicate status shows what it lacks.",
  "data-fresh":
    "Let replication catch up, or accept the loss by hand: cloudphoenix failover --accept-loss.",
  evidence:
    "More independent vantages must see it, or start by hand what you know to be right: cloudphoenix failover.",
  "fence-obtainable": "Make a stronger fence possible.",
  cooldown: "Wait for the cooldown to end, or start by hand: cloudphoenix failover.",
  "freeze-window": "Wait for the freeze window to end, or start by hand: cloudphoenix failover.",
  "one-run": "Wait for the run under way, or end it: cloudphoenix run cancel.",
  mode: "Start it by hand, or change the mode of this level in the policy.",
  "monitors-sane": "Repair the monitoring, or start by hand what you know to be right.",
  "schema-parity": "Apply the missing schema changes, then set up replication again.",
  maintenance: "Switch automatic action on again.",
  quarantine: "Decide what becomes of the site: cloudphoenix quarantine show.",
  "heals-left": "Find out why healing does not help: cloudphoenix runs lists what was tried.",
};

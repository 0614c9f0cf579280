/** What would have to change for a decision to come out differently. */

import { unreachable } from "./error.ts";
import type { Decision, GuardName, Situation } from "./decision.ts";
import { type ActingLevel, levelOf } from "./level.ts";
import type { PlanKind } from "./plan.ts";
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
        : [...blockers(decision, situation), BY_HAND];
    case "blocked":
      return blockers(decision, situation);
    case "act":
      return [
        decision.action.approvers > 0
          ? "Approve or cancel the run: cloudphoenix runs names it, cloudphoenix run show <id> prints the commands."
          : 'Stop it: cloudphoenix runs names the run, then cloudphoenix run cancel <id> --reason "…".',
        clearing(decision, situation),
      ];
    default:
      return unreachable(decision.action);
  }
}

const BY_HAND =
  'If the site really is down, start by hand: cloudphoenix heal --reason "…", or cloudphoenix failover --kind region --reason "…" within the cloud, --kind dr to another one.';

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

function blockers(decision: Decision, situation: Situation): readonly string[] {
  const { action } = decision;
  const plan = action.kind === "blocked" ? action.plan : null;
  const way: BlockedWay = {
    plan,
    byHand: commandOf(plan, decision),
    run: situation.activity.running?.id ?? "<id>",
    opened: situation.activity.running?.stage === "opened",
  };
  const blocking = decision.guards.filter((result) => result.outcome === "block");
  return [...new Set(blocking.map((result) => WAYS_OUT[result.guard](way)))];
}

/** What was blocked, and how a person would do it. */
interface BlockedWay {
  readonly plan: PlanKind | null;
  /** The command that starts the blocked plan and no other. */
  readonly byHand: string;
  /** The run under way. */
  readonly run: string;
  /** Whether that is a move which can be cancelled no more. */
  readonly opened: boolean;
}

/** A move names its kind: the default is another cloud, which may not be what was blocked. */
function commandOf(plan: PlanKind | null, { levels, active }: Decision): string {
  if (plan === "heal") {
    // The active site needs nothing: what is to be repaired is a standby.
    const site = (levels[active]?.level ?? "none") === "none" ? " --to SITE" : "";
    return `cloudphoenix heal${site} --reason "…"`;
  }
  return `cloudphoenix failover --kind ${plan ?? "KIND"} --reason "…"`;
}

/** What an operator can do about each guard that blocks. */
const WAYS_OUT: Readonly<Record<GuardName, (way: BlockedWay) => string>> = {
  "target-exists": ({ plan }) =>
    `Add a site that fits to the configuration, or move another way by hand: cloudphoenix failover --kind ${plan === "dr" ? "region" : "dr"} --reason "…".`,
  "target-ready": () =>
    "Repair the target: cloudphoenix status names under Standby what it lacks. Nobody can override this.",
  "data-fresh": ({ byHand }) =>
    `While the active site lives, let replication catch up; otherwise accept the loss by hand: ${byHand} --accept-loss.`,
  evidence: ({ byHand }) =>
    `More independent vantages must see it, or start by hand what you know to be right: ${byHand}.`,
  "fence-obtainable": () => "Make a stronger fence possible.",
  cooldown: ({ byHand }) => `Wait for the cooldown to end, or start by hand: ${byHand}.`,
  "freeze-window": ({ byHand }) =>
    `Wait for the freeze window to end, or start by hand: ${byHand}.`,
  "one-run": ({ run, opened }) =>
    opened
      ? `Wait for the run under way, or answer what it asks: cloudphoenix run show ${run}.`
      : `Wait for the run under way, or end it: cloudphoenix run cancel ${run} --reason "…".`,
  mode: ({ byHand }) =>
    `Start it by hand: ${byHand}; or change the mode of this level in the policy.`,
  "monitors-sane": ({ byHand }) =>
    `Repair the monitoring, or start by hand what you know to be right: ${byHand}.`,
  "schema-parity": ({ byHand }) =>
    `Make the schemas the same and set up again: cloudphoenix replicate setup. A failover may go without what is missing: ${byHand} --accept-loss.`,
  maintenance: ({ byHand }) =>
    `Switch automatic action on again: cloudphoenix maintenance off --reason "…"; or start by hand: ${byHand}.`,
  "move-to-undo": () =>
    'Nothing has to be taken back. If the standby is what ails, heal it: cloudphoenix heal --to SITE --reason "…".',
  "never-opened": () => "Find out what the other site took: cloudphoenix runs, then run show.",
  quarantine: () => "Decide what becomes of the site: cloudphoenix quarantine show.",
  "heals-left": () => "Find out why healing does not help: cloudphoenix runs lists what was tried.",
};

import type { RunningRun } from "../decision.ts";
import { planWords } from "../plan-words.ts";
import { measuredText } from "../span-text.ts";
import { isPlannedMove, supersedes } from "../supersedes.ts";
import { type Guard, type GuardFacts, block, pass } from "./guard.ts";

/**
 * Is nothing else being done? A move supersedes a heal, a heal of the active site one of a standby,
 * anything a rejoin, which can be started again at any time, a move what is left of one that has
 * opened writes, and a failover a move that cannot go on, or that asks people what nobody has to be
 * asked any more; everything else must end first.
 *
 * A planned move cannot go on without the site it leaves, so it gives way once that one is silent. As
 * long as anything of it answers, the move loses nothing, and a failover might: its database does
 * although the move has stopped its writers, which makes the site look lost to everybody else.
 */
export const oneRun: Guard = (facts, said) => {
  const { plan, target, active, situation } = facts;
  const { running } = situation.activity;
  if (running === null) return pass("one-run", "No run is under way.");
  const run = `Run ${running.id} (${planWords(running.kind)}) is under way`;
  const asksNobody = said.every(({ outcome }) => outcome === "pass");
  const next = { kind: plan, to: target?.id ?? active.id, asksNobody };
  if (!supersedes(next, running, active.id)) return block("one-run", `${run}: 1 run at a time.`);
  const aliveAgoMs = aliveForMove(facts, running);
  if (aliveAgoMs !== null) {
    return block(
      "one-run",
      `${run}, and ${active.id}, which it needs, gave a sign of life ${measuredText(aliveAgoMs)} ago: 1 run at a time.`,
    );
  }
  return pass("one-run", `${run}; ${planWords(plan)} supersedes it.`);
};

/** How long ago the site that a planned move leaves was alive, if that was lately; null if it is silent. */
function aliveForMove(
  { aliveUntilMs, situation }: GuardFacts,
  { kind, stage }: RunningRun,
): number | null {
  if (stage === "opened" || !isPlannedMove(kind) || aliveUntilMs === null) return null;
  const agoMs = situation.nowMs - aliveUntilMs;
  return agoMs < situation.policy.holdMs.dr ? agoMs : null;
}

import { limitText, measuredText } from "../span-text.ts";
import { type Guard, type GuardFacts, approve, block, pass } from "./guard.ts";

/**
 * Would the move lose more than the objective allows?
 *
 * The bound is the time from the newest heartbeat at the standby to the last sign of life of the
 * active site: whatever was acknowledged in between may be missing. A controller that was started
 * after the disaster never saw one and takes its own start instead. Beyond the objective, or
 * unknown, nothing moves by itself; a person may accept the loss, and people must then approve.
 */
export const dataFresh: Guard = (facts) => {
  const objective = limitText(facts.situation.application.objectives.rpoMs);
  if (facts.plan === "switchover") {
    return pass(
      "data-fresh",
      `Nothing will be lost: the switchover waits until the target has applied everything (now at most ${lossText(lossBoundMs(facts))} behind).`,
    );
  }
  const boundMs = lossBoundMs(facts);
  if (boundMs !== null && boundMs <= facts.situation.application.objectives.rpoMs) {
    return pass(
      "data-fresh",
      `Loss would be at most ${measuredText(boundMs)}, objective ${objective}.`,
    );
  }
  const loss =
    boundMs === null
      ? `The loss is unknown, objective ${objective}: target or active site never showed a heartbeat`
      : `Loss would be at most ${measuredText(boundMs)}, objective ${objective}: replication was behind when ${facts.active.id} was last alive`;
  if (facts.cause.kind === "level")
    return block("data-fresh", `${loss}; only a person may accept it.`);
  if (!facts.cause.acceptLoss) return block("data-fresh", `${loss}; ask again with --accept-loss.`);
  return approve("data-fresh", `${loss}; it was accepted by request and needs approval.`);
};

function lossBoundMs({ standby, aliveUntilMs }: GuardFacts): number | null {
  const appliedAtMs = standby?.replication.appliedAtMs ?? null;
  if (appliedAtMs === null || aliveUntilMs === null) return null;
  return Math.max(0, aliveUntilMs - appliedAtMs);
}

function lossText(ms: number | null): string {
  return ms === null ? "an unknown time" : measuredText(ms);
}

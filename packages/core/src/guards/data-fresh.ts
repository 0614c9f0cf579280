import { isFromTheFuture } from "../from-the-future.ts";
import type { AcceptedLoss } from "../plan.ts";
import { limitText, measuredText } from "../span-text.ts";
import { staysBehindText } from "../stays-behind-text.ts";
import { type Guard, type GuardFacts, approve, block, pass } from "./guard.ts";

/**
 * Would the move lose more than the objectives allow?
 *
 * The bound is the time from the newest heartbeat at the standby to the last sign of life of the
 * active site: whatever was acknowledged in between may be missing. For objects it is the time from
 * the instant up to which every object is known to be copied. A controller that was started
 * after the disaster never saw a sign of life: it takes the end of the site's lease, if it saw that run
 * out, or else its own start. Beyond an objective, or unknown, nothing moves by itself; a person may
 * accept the loss, and people must then approve.
 * Objects that need a person are named and hold up no move: they may do so for good, and the bound
 * does not count them.
 */
export const dataFresh: Guard = (facts) => {
  const losses = [rowLoss(facts), ...objectLoss(facts)];
  if (facts.plan === "switchover") {
    const behind = losses.map((loss) => loss.behind).join(", ");
    return pass(
      "data-fresh",
      `Nothing will be lost: the switchover waits until the target has applied everything (now at most ${behind})${staysBehind(facts)}.`,
    );
  }
  const beyond = losses.filter(
    ({ boundMs, objectiveMs }) => boundMs === null || boundMs > objectiveMs,
  );
  if (beyond.length === 0) {
    const bounds = losses.map((loss) => loss.bound).join("; ");
    return pass("data-fresh", `${bounds}${staysBehind(facts)}.`);
  }
  const loss = beyond.map(({ boundMs, bound, why }) =>
    boundMs === null ? why : `${bound}: ${why}`,
  );
  const sentence = `${loss.join("; ")}${staysBehind(facts)}`;
  if (facts.cause.kind === "level")
    return block("data-fresh", `${sentence}; only a person may accept it.`);
  if (!facts.cause.acceptLoss)
    return block("data-fresh", `${sentence}; ask again with --accept-loss.`);
  return approve("data-fresh", `${sentence}; it was accepted by request and needs approval.`);
};

/**
 * What somebody accepts who accepts the loss now: each bound and its objective on top, for that much
 * nobody is asked about, and the active site may have gone on for a moment. Unknown stays unknown.
 */
export function acceptedLoss(facts: GuardFacts): AcceptedLoss {
  const [objects] = objectLoss(facts);
  return {
    writesMs: mostOf(rowLoss(facts)),
    ...(objects !== undefined && { objectsMs: mostOf(objects) }),
  };
}

function mostOf({ boundMs, objectiveMs }: Loss): number | null {
  return boundMs === null ? null : boundMs + objectiveMs;
}

/** What one half of the data may lose. */
interface Loss {
  /** Null if unknown. */
  readonly boundMs: number | null;
  readonly objectiveMs: number;
  /** The bound beside its objective. */
  readonly bound: string;
  /** How far behind the target is. */
  readonly behind: string;
  /** Why it is beyond the objective. */
  readonly why: string;
}

function rowLoss(facts: GuardFacts): Loss {
  const objectiveMs = facts.situation.application.objectives.rpoMs;
  const objective = limitText(objectiveMs);
  const appliedAtMs = facts.standby?.replication.appliedAtMs ?? null;
  const boundMs = boundFrom(facts, appliedAtMs);
  const unknown =
    appliedAtMs !== null && isFromTheFuture(appliedAtMs, facts.situation.nowMs)
      ? `the newest heartbeat at the target is ${measuredText(appliedAtMs - facts.situation.nowMs)} ahead of this controller's clock`
      : "target or active site never showed a heartbeat";
  return {
    boundMs,
    objectiveMs,
    bound: `Loss would be at most ${lossText(boundMs)}, objective ${objective}`,
    behind: `${lossText(boundMs)} behind`,
    why:
      boundMs === null
        ? `The loss is unknown, objective ${objective}: ${unknown}`
        : whyBehind(facts),
  };
}

/** Whoever never saw the site alive knows of no replication that was behind, only of time. */
function whyBehind({ active, lastAliveAtMs }: GuardFacts): string {
  return lastAliveAtMs === null
    ? `this controller came to lead too late to see ${active.id} alive, so it counts what that site may have taken until its lease ended or this lead began`
    : `replication was behind when ${active.id} was last alive`;
}

/** Nothing where the application has no objects. */
function objectLoss(facts: GuardFacts): readonly Loss[] {
  const { objects } = facts.situation.application;
  if (objects === undefined) return [];
  const objective = limitText(objects.rpoMs);
  const copy = facts.standby?.objects ?? null;
  const boundMs = boundFrom(facts, copy?.completeUntilMs ?? null);
  const paused = copy?.paused == null ? "" : ` (${copy.paused})`;
  return [
    {
      boundMs,
      objectiveMs: objects.rpoMs,
      bound: `objects of at most ${lossText(boundMs)}, objective ${objective}`,
      behind: `objects ${lossText(boundMs)}`,
      why:
        boundMs === null
          ? `how far the copy of the objects is is unknown, objective ${objective}${paused}`
          : `their copy was behind when ${facts.active.id} was last alive${paused}`,
    },
  ];
}

function staysBehind({ situation, standby }: GuardFacts): string {
  const needPerson = situation.application.objects && standby?.objects?.needPerson;
  return needPerson ? `; ${staysBehindText(needPerson)}` : "";
}

function boundFrom(
  { aliveUntilMs, situation }: GuardFacts,
  completeUntilMs: number | null,
): number | null {
  if (completeUntilMs === null || aliveUntilMs === null) return null;
  if (isFromTheFuture(completeUntilMs, situation.nowMs)) return null;
  return Math.max(0, aliveUntilMs - completeUntilMs);
}

function lossText(ms: number | null): string {
  return ms === null ? "an unknown time" : measuredText(ms);
}

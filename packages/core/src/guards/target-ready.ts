import { measuredText, limitText } from "../span-text.ts";
import type { StandbyFacts } from "../readiness.ts";
import type { SiteScore } from "../score.ts";
import { type Guard, type GuardFacts, approve, block, pass } from "./guard.ts";

/**
 * Could the target serve if it had to? Its entry answers, it needs no healing itself, and it was
 * following the active site until the active site was last known alive. A standby that is dead,
 * empty or stale is worse than an outage, so nobody can override this guard. One that serves but
 * is not whole, with a replica or a node missing, may be better than an outage: a person decides.
 */
export const targetReady: Guard = (facts) => {
  const { standby, target } = facts;
  if (target === null || standby === null) {
    return block("target-ready", `Nothing is known yet about ${target?.id ?? "the target"}.`);
  }
  const damages = [...damageOf(facts, target.id), ...objectDamage(facts, standby)];
  const sentences = damages.map(({ sentence }) => sentence);
  const troubles = [...entryTroubles(standby), ...canaryTroubles(facts, standby)];
  if (troubles.length > 0 || damages.some(({ serves }) => !serves)) {
    const all = [...entryTroubles(standby), ...sentences, ...canaryTroubles(facts, standby)];
    return block("target-ready", `${target.id} is not ready: ${all.join("; ")}.`);
  }
  if (damages.length > 0) {
    return approve(
      "target-ready",
      `${target.id} serves but is not whole: ${sentences.join("; ")}; 1 person must agree.`,
    );
  }
  return pass("target-ready", `${target.id} is ready: its entry is healthy, ${canaryText(facts)}.`);
};

function entryTroubles({ entry, entryDetail }: StandbyFacts): readonly string[] {
  return entry === "healthy" ? [] : [`its entry is ${entry} (${entryDetail})`];
}

/** What the target's own signals say against it. */
interface Damage {
  readonly sentence: string;
  /** Whether every part of it still works, if not well. */
  readonly serves: boolean;
}

/** The lag is judged by `data-fresh`, in time; counting it here again would judge it twice. */
function damageOf({ standbyScores, situation }: GuardFacts, target: string): readonly Damage[] {
  const band = situation.policy.bands.heal;
  const score = standbyScores.find((one) => one.site === target);
  const bad = badSignals(score);
  const points = bad.reduce((sum, one) => sum + one.points, 0);
  if (points < band) return [];
  const names = bad.map((one) => `${one.signal} ${one.status}`).join(", ");
  return [
    {
      sentence: `it scores ${points} itself, ready is below ${band} (${names})`,
      serves: bad.every((one) => one.status === "degraded"),
    },
  ];
}

/**
 * Its store must have shown a canary object: one that was never seen there may not exist, or not
 * be reachable from the follower. How many objects may be missing is for `data-fresh` to judge.
 */
function objectDamage({ situation }: GuardFacts, { objects }: StandbyFacts): readonly Damage[] {
  if (situation.application.objects === undefined) return [];
  if (objects !== null && objects.canaryMs !== null) return [];
  return [{ sentence: "no canary object was ever seen in its store", serves: true }];
}

function badSignals(score: SiteScore | undefined): SiteScore["contributions"] {
  const contributions = score?.contributions ?? [];
  return contributions.filter((one) => one.points > 0 && one.kind !== "replication-lag");
}

function canaryTroubles(facts: GuardFacts, { replication }: StandbyFacts): readonly string[] {
  const { nowMs, policy } = facts.situation;
  const maxMs = policy.canaryAgeMaxMs;
  if (replication.state === "broken") return [`replication is broken (${replication.detail})`];
  if (replication.copying === true) return [`its copy is not complete (${replication.detail})`];
  if (replication.appliedAtMs === null || replication.readAtMs === null) {
    return ["it has never shown a heartbeat of the active site"];
  }
  const silentMs = nowMs - replication.readAtMs;
  if (silentMs > maxMs) {
    return [`its database last answered ${measuredText(silentMs)} ago, limit ${limitText(maxMs)}`];
  }
  // A controller started after the disaster. What may be missing is for `data-fresh` to judge: a
  // standby must not be called stale because nobody was there to write heartbeats.
  if (facts.lastAliveAtMs === null) return [];
  const behindMs = facts.lastAliveAtMs - replication.appliedAtMs;
  if (behindMs <= maxMs) return [];
  return [
    `its newest heartbeat is ${measuredText(behindMs)} older than the last sign of life of ${facts.active.id}, limit ${limitText(maxMs)}`,
  ];
}

function canaryText({ active, lastAliveAtMs, standby }: GuardFacts): string {
  if (lastAliveAtMs === null) return `${active.id} has not been seen alive since this start`;
  const behindMs = Math.max(0, lastAliveAtMs - (standby?.replication.appliedAtMs ?? 0));
  return `its newest heartbeat is ${measuredText(behindMs)} older than the last sign of life of the active site`;
}

/** One guard asked, and the changes to the situation that guards are asked about. */
import type { GuardName, GuardResult, Situation, StandbyFacts } from "../src/index.ts";
import { judge } from "../src/judge.ts";
import type { ActingLevel } from "../src/level.ts";
import { surveyOf } from "../src/survey.ts";
import { AUTO_POLICY, NOW, REGION_LOST, STANDBY, observe, situation } from "./shop.ts";

/** What one guard says of an automatic action at `level`; the region is lost unless told otherwise. */
export function asked(
  guard: GuardName,
  change: Partial<Situation> = {},
  level: ActingLevel = "dr",
): GuardResult {
  const given = situation({ observations: observe(REGION_LOST, NOW), ...change });
  const { guards } = judge(surveyOf(given), { plan: level, cause: { kind: "level", level } });
  return guards.find((result) => result.guard === guard) ?? missing(guard);
}

export function standby(change: Partial<StandbyFacts>): Partial<Situation> {
  return { standbys: [{ ...STANDBY, ...change }] };
}

export function replication(change: Partial<StandbyFacts["replication"]>): Partial<Situation> {
  return standby({ replication: { ...STANDBY.replication, ...change } });
}

export function activity(change: Partial<Situation["activity"]>): Partial<Situation> {
  return { activity: { ...situation().activity, ...change } };
}

export function policy(change: Partial<Situation["policy"]>): Partial<Situation> {
  return { policy: { ...AUTO_POLICY, ...change } };
}

/** What a controller has that was started after the disaster. */
export const NEVER_SEEN: Partial<Situation> = {
  ...replication({ writtenAtMs: null }),
  observations: observe({ ...REGION_LOST }, NOW),
};

function missing(guard: GuardName): never {
  throw new Error(`${guard} was not asked`);
}

/**
 * Whether the application can be written again, once everything that was going to go wrong has.
 *
 * - `liveness`: at the end of a seed, if the active site is well and reachable and no run waits for
 *   people, it takes writes. If the active site is gone for good, and a standby was fresh when it
 *   went, a leader had seen it alive, and nothing needs people, the standby takes writes.
 */
import type { Controller } from "./controller.ts";
import type { Disasters } from "./disasters.ts";
import type { Site } from "./sites.ts";
import type { World } from "./world.ts";

/** Judges the end of a seed; every fault that does not last for ever is over. */
export function judgeLiveness(
  world: World,
  disasters: Disasters,
  controllers: readonly Controller[],
): void {
  if (world.sites.some((site) => site.database.refusal() === null)) return;
  if (waitsForPeople(world)) return;
  const gone = disasters.struck.filter((one) => one.fault.lastsMs === null);
  const words = `nobody takes writes ${Math.round(world.scheduler.nowMs - disasters.lastChangeMs)} ms after the last fault was over`;
  const state = `${describe(world)}; ${reasons(world, controllers)}`;
  if (gone.length === 0) {
    if (brokenForGood(world)) return;
    world.truth.violate("liveness", `${words}; ${state}`);
    return;
  }
  // With company, whether a standby could take over at all is another question.
  if (disasters.struck.length > 1 || disasters.struck[0] === undefined) return;
  if (world.judge.moves > 0) return;
  world.truth.violate("liveness", `${words} although only ${gone[0]?.fault.kind} struck; ${state}`);
}

function waitsForPeople(world: World): boolean {
  return world.judge.runs.some((run) => run.ended === null || run.ended === "stuck");
}

/** Moved by people or by half, in a way only people can mend. */
function brokenForGood(world: World): boolean {
  return world.sites.every((site) => site.pods.ready === 0);
}

function describe(world: World): string {
  return world.sites.map(siteText).join(", ");
}

function siteText({ id, database }: Site): string {
  return `${id} is ${database.role} at ${database.generation} (${database.refusal() ?? "open"})`;
}

function reasons(world: World, controllers: readonly Controller[]): string {
  const leader = controllers.find((one) => one.acting !== null);
  const decision =
    leader === undefined ? undefined : world.judge.decisions.get(leader.process.name);
  if (decision === undefined) return "nobody leads";
  return `${decision.verdict}: ${decision.action.kind}: ${decision.action.because}`;
}

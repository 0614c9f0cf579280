/** One seed from beginning to end. */
import { startAgent } from "./agent.ts";
import { Clients } from "./clients.ts";
import { Controller } from "./controller.ts";
import { type Fault, Disasters } from "./disasters.ts";
import { judgeLiveness } from "./liveness.ts";
import { Operators } from "./operators.ts";
import { ProbeField } from "./probes.ts";
import { scheduleOf } from "./schedule.ts";
import { settingsOf } from "./settings.ts";
import type { TimelineEntry, Violation } from "./truth.ts";
import { World } from "./world.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** Names of the sabotages that are switched on; none normally. */
  readonly sabotages?: readonly string[];
  /** Replaces the schedule of faults the seed stands for (shrinking). */
  readonly faults?: readonly Fault[];
  /** Keeps the timeline. */
  readonly recording?: boolean;
}

export interface SimulationResult {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly violations: readonly Violation[];
  readonly timeline: readonly TimelineEntry[];
  /** `<fault> <phase>` of every fault that struck. */
  readonly covered: readonly string[];
  /** Moves that claimed a generation. */
  readonly moves: number;
  readonly acknowledged: number;
  readonly events: number;
  readonly virtualMs: number;
  /** Equal for two runs of one seed. */
  readonly hash: string;
}

/** After the last fault is over the world gets this long to be well again … */
const RECOVERY_MS = 28_000;
const LENGTH_MAX_MS = 90_000;
/** … and need not be watched any longer once it has been well for this long. */
const CALM_MS = 4_000;
const LOOK_EVERY_MS = 1_000;

/** Runs one seed. Deterministic: the same options give the same result. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed } = options;
  const settings = settingsOf(seed);
  const world = new World(settings, new Set(options.sabotages ?? []), options.recording ?? false);
  const probes = new ProbeField(world);
  const controllers = Array.from(
    { length: settings.controllers },
    (_, index) => new Controller(world, probes, `controller-${index + 1}`),
  );
  const operators = new Operators(world, controllers);
  const disasters = new Disasters(world, { controllers, operators, probes });
  const faults = options.faults ?? scheduleOf(settings);
  await world.state.establishLease(settings.application);
  for (const site of world.sites) startAgent(world, site);
  probes.start();
  new Clients(world).start();
  operators.start();
  for (const [index, controller] of controllers.entries()) {
    world.scheduler.after(index * 150, () => controller.boot());
  }
  disasters.plan(faults);
  const failed = (): boolean => world.truth.violations.length > 0;
  try {
    await runUntilCalm(world, disasters, failed);
  } catch (error) {
    world.truth.violate("defect", String(error));
  }
  if (!failed()) {
    world.judge.losses.judge();
    judgeLiveness(world, disasters, controllers);
  }
  return {
    seed,
    faults,
    violations: world.truth.violations,
    timeline: world.truth.timeline,
    covered: disasters.covered,
    moves: world.judge.moves,
    acknowledged: world.truth.acknowledged.size,
    events: world.scheduler.fired,
    virtualMs: world.scheduler.nowMs,
    hash: world.scheduler.hash,
  };
}

/** Goes on until every fault is over and the world has recovered, or had time to. */
async function runUntilCalm(
  world: World,
  disasters: Disasters,
  failed: () => boolean,
): Promise<void> {
  const { scheduler } = world;
  let calmSinceMs = 0;
  for (;;) {
    const untilMs = Math.min(LENGTH_MAX_MS, disasters.lastChangeMs + RECOVERY_MS);
    if (scheduler.nowMs >= untilMs) return;
    await scheduler.run(Math.min(untilMs, scheduler.nowMs + LOOK_EVERY_MS), failed);
    if (failed()) return;
    const over = scheduler.nowMs > disasters.lastChangeMs;
    if (!over || !isWell(world)) calmSinceMs = scheduler.nowMs;
    if (scheduler.nowMs - calmSinceMs >= CALM_MS) return;
  }
}

/** Somebody takes writes, and nothing is under way that could change that. */
function isWell(world: World): boolean {
  const writer = world.sites.find((site) => site.database.refusal() === null);
  return writer !== undefined && world.judge.runs.every((run) => run.ended !== null);
}

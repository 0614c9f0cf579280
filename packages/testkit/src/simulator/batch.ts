/** A run of seeds in one process, and what is told about it. */
import { setImmediate as turn } from "node:timers/promises";
import { simulate } from "./simulation.ts";

export interface BatchOrder {
  readonly from: number;
  readonly count: number;
  readonly sabotages: readonly string[];
  /** Ends the batch at the first seed that breaks an invariant. */
  readonly untilViolation: boolean;
}

interface FoundViolation {
  readonly seed: number;
  readonly invariant: string;
  readonly atMs: number;
  readonly sentence: string;
}

export interface BatchSummary {
  readonly from: number;
  readonly seeds: number;
  readonly moves: number;
  readonly acknowledged: number;
  readonly events: number;
  readonly virtualMs: number;
  /** Processor time spent, which does not depend on how busy the machine is with other things. */
  readonly cpuMs: number;
  readonly violations: readonly FoundViolation[];
  /** How often each `<fault> <phase>` struck. */
  readonly covered: Readonly<Record<string, number>>;
}

export const NO_SEEDS: BatchSummary = {
  from: 0,
  seeds: 0,
  moves: 0,
  acknowledged: 0,
  events: 0,
  virtualMs: 0,
  cpuMs: 0,
  violations: [],
  covered: {},
};

/** Runs the seeds of an order one after the other. */
export async function runBatch(order: BatchOrder): Promise<BatchSummary> {
  // Most errors of a simulated world are answers like any other; nobody reads their stacks.
  Error.stackTraceLimit = 0;
  const began = process.cpuUsage();
  let summary: BatchSummary = { ...NO_SEEDS, from: order.from };
  for (let seed = order.from; seed < order.from + order.count; seed += 1) {
    const result = await simulate({ seed, sabotages: order.sabotages });
    const [found] = result.violations;
    const first = found !== undefined && (await isOfTheSabotage(order, seed)) ? found : undefined;
    summary = add(summary, {
      ...NO_SEEDS,
      from: order.from,
      seeds: 1,
      moves: result.moves,
      acknowledged: result.acknowledged,
      events: result.events,
      virtualMs: result.virtualMs,
      violations: first === undefined ? [] : [{ seed, ...first }],
      covered: Object.fromEntries(result.covered.map((cell) => [cell, 1])),
    });
    if (order.untilViolation && first !== undefined) break;
    // Lets messages of the parent in between two seeds.
    await turn();
  }
  const { user, system } = process.cpuUsage(began);
  return { ...summary, cpuMs: (user + system) / 1_000 };
}

/** A mutant is caught only by what the sound product does not do. */
async function isOfTheSabotage({ sabotages }: BatchOrder, seed: number): Promise<boolean> {
  return sabotages.length === 0 || (await simulate({ seed })).violations.length === 0;
}

/** Both summaries as one. */
export function add(a: BatchSummary, b: BatchSummary): BatchSummary {
  return {
    from: Math.min(a.from, b.from),
    seeds: a.seeds + b.seeds,
    moves: a.moves + b.moves,
    acknowledged: a.acknowledged + b.acknowledged,
    events: a.events + b.events,
    virtualMs: a.virtualMs + b.virtualMs,
    cpuMs: a.cpuMs + b.cpuMs,
    violations: [...a.violations, ...b.violations],
    covered: addCounts(a.covered, b.covered),
  };
}

type Counts = Readonly<Record<string, number>>;

function addCounts(a: Counts, b: Counts): Counts {
  const sum: Record<string, number> = { ...a };
  for (const [key, count] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}

/** Makes a counterexample smaller: fewer faults that last less, and still the same violation. */
import type { Fault } from "./disasters.ts";
import { type SimulationOptions, type SimulationResult, simulate } from "./simulation.ts";

/** Runs spent on shrinking at most. */
const TRIES_MAX = 60;

/**
 * The smallest schedule found that still breaks the same invariant, run once more with a timeline.
 * @returns null if the seed breaks nothing
 */
export async function shrink(options: SimulationOptions): Promise<SimulationResult | null> {
  const first = await simulate({ ...options, recording: true });
  const [violation] = first.violations;
  if (violation === undefined) return null;
  let smallest = first;
  let tries = 0;
  const stillFails = async (faults: readonly Fault[]): Promise<boolean> => {
    tries += 1;
    if (tries > TRIES_MAX) return false;
    const result = await simulate({ ...options, faults, recording: true });
    if (result.violations[0]?.invariant !== violation.invariant) return false;
    smallest = result;
    return true;
  };
  for (let index = smallest.faults.length - 1; index >= 0; index -= 1) {
    await stillFails(smallest.faults.filter((_, at) => at !== index));
  }
  for (let index = 0; index < smallest.faults.length; index += 1) {
    while (await stillFails(shorter(smallest.faults, index))) {
      // Shorter still.
    }
  }
  return smallest;
}

/** The same faults, one of them over in two thirds of the time; the same list if it cannot be. */
function shorter(faults: readonly Fault[], index: number): readonly Fault[] {
  return faults.map((fault, at) => {
    if (at !== index || fault.lastsMs === null || fault.lastsMs < 300) return fault;
    return { ...fault, lastsMs: Math.floor((fault.lastsMs * 2) / 3) };
  });
}

/** Which steps of a plan run together. */

import type { Plan, PlanStep } from "../plan.ts";

/**
 * Step ids in waves: each wave holds, in plan order, every step whose needs all lie in earlier
 * waves. Deterministic, because replaying a run depends on it.
 * @throws {RangeError} naming the steps that can never start (unknown or circular needs)
 */
export function wavesOf(plan: Plan): readonly (readonly string[])[] {
  const waves: (readonly string[])[] = [];
  const done = new Set<string>();
  let waiting: readonly PlanStep[] = plan.steps;
  while (waiting.length > 0) {
    const wave = waiting.filter((step) => step.needs.every((need) => done.has(need)));
    if (wave.length === 0) {
      const ids = waiting.map((step) => step.id).join(", ");
      throw new RangeError(`plan ${plan.id} has steps that can never start: ${ids}`);
    }
    waves.push(wave.map((step) => step.id));
    for (const step of wave) done.add(step.id);
    waiting = waiting.filter((step) => !done.has(step.id));
  }
  return waves;
}

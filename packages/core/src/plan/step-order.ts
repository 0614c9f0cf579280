/** Which steps come before which. */

import type { Plan } from "../plan.ts";

/**
 * For each step id, the ids of all steps that have ended before it starts, direct or not. Needs
 * that name no step are ignored; a step on a cycle comes before itself.
 */
export function stepsBefore(plan: Plan): ReadonlyMap<string, ReadonlySet<string>> {
  const needs = new Map(plan.steps.map((step) => [step.id, step.needs]));
  return new Map(plan.steps.map((step) => [step.id, reach(step.needs, needs)]));
}

function reach(
  start: readonly string[],
  needs: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = [...start];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const further = needs.get(id);
    if (further === undefined || found.has(id)) continue;
    found.add(id);
    waiting.push(...further);
  }
  return found;
}

/** Mistakes people make, each of which its policy must find. */
import type { ObservabilityFiles } from "./files.ts";
import { alertMistakes } from "./mistakes/alert-mistakes.ts";
import { boardMistakes } from "./mistakes/board-mistakes.ts";
import { logMistakes } from "./mistakes/log-mistakes.ts";
import { metricMistakes } from "./mistakes/metric-mistakes.ts";
import type { Mistake } from "./mistakes/mistake.ts";
import { checkPolicies } from "./policies.ts";

export const mistakes: readonly Mistake[] = [
  ...alertMistakes,
  ...metricMistakes,
  ...boardMistakes,
  ...logMistakes,
];

/** The mistakes that their policy does not find. */
export function missedMistakes(files: ObservabilityFiles): readonly string[] {
  return mistakes
    .filter(({ policy, plant }) => {
      const found = checkPolicies(plant(files));
      return !found.some((sentence) => sentence.startsWith(`${policy}: `));
    })
    .map(({ policy, what }) => `${policy} does not find: ${what}`);
}

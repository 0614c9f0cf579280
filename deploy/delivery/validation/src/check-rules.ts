import { securityRules } from "./security-rules.ts";
import { structureRules } from "./structure-rules.ts";
import type { Rule, Surroundings } from "./rule.ts";
import { parseWorkflows } from "./workflow-file.ts";

/** Every rule. */
export const rules: readonly Rule[] = [...securityRules, ...structureRules];

/** What is wrong, each finding after the name of its rule. @throws {RangeError} without workflows */
export function checkRules(
  texts: Readonly<Record<string, string>>,
  surroundings: Surroundings,
): readonly string[] {
  const workflows = parseWorkflows(texts);
  if (workflows.flatMap(({ jobs }) => jobs).length === 0) {
    throw new RangeError("nothing to check: no job");
  }
  return rules.flatMap(({ name, check }) =>
    check(workflows, surroundings).map((finding) => `${name}: ${finding}`),
  );
}

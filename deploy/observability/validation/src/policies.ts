/** Every rule, and what breaks it. */
import { alertPolicies } from "./alert-policies.ts";
import { boardPolicies } from "./board-policies.ts";
import type { ObservabilityFiles } from "./files.ts";
import { logPolicies } from "./log-policies.ts";
import { metricPolicies } from "./metric-policies.ts";
import type { Policy } from "./policy.ts";
import { routePolicies } from "./route-policies.ts";

export const policies: readonly Policy[] = [
  ...alertPolicies,
  ...routePolicies,
  ...metricPolicies,
  ...boardPolicies,
  ...logPolicies,
];

/** Everything that is wrong, each sentence behind the name of its policy. */
export function checkPolicies(files: ObservabilityFiles): readonly string[] {
  return policies.flatMap(({ name, check }) => check(files).map((found) => `${name}: ${found}`));
}

import type { Cluster } from "../cluster.ts";
import { availabilityPolicies } from "./availability-policies.ts";
import { entryPolicies } from "./entry-policies.ts";
import { networkPolicies } from "./network-policies.ts";
import { podPolicies } from "./pod-policies.ts";
import type { Policy } from "./policy.ts";
import { referencePolicies } from "./reference-policies.ts";
import { secretPolicies } from "./secret-policies.ts";
import { telemetryPolicies } from "./telemetry-policies.ts";

/** Every rule of this project. */
export const policies: readonly Policy[] = [
  ...podPolicies,
  ...availabilityPolicies,
  ...networkPolicies,
  ...entryPolicies,
  ...referencePolicies,
  ...secretPolicies,
  ...telemetryPolicies,
];

/** What is wrong with `cluster`, each finding after the name of its policy. */
export function checkPolicies(cluster: Cluster): readonly string[] {
  if (cluster.workloads.length === 0) throw new RangeError("nothing to check: no workloads");
  return policies.flatMap(({ name, check }) =>
    check(cluster).map((finding) => `${name}: ${finding}`),
  );
}

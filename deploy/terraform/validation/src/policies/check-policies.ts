/** All policies, and the one call that applies them. */
import { plaintext, shortBackups, unencrypted, unprotected } from "./data-policies.ts";
import { missingTags, passwordInState, tooManyRights } from "./identity-policies.ts";
import { inlineRules, openToTheWorld, publicBucket, publicDatabase } from "./network-policies.ts";
import { plannedResources } from "./planned-resource.ts";
import type { Policy } from "./policy.ts";

const POLICIES: readonly Policy[] = [
  openToTheWorld,
  inlineRules,
  publicDatabase,
  publicBucket,
  unencrypted,
  plaintext,
  unprotected,
  shortBackups,
  missingTags,
  tooManyRights,
  passwordInState,
];

/** How many policies there are. */
export const policyCount: number = POLICIES.length;

/** Findings of every policy on one plan or state, each with the policy's name in front. */
export function checkPolicies(shown: unknown): readonly string[] {
  const resources = plannedResources(shown);
  return POLICIES.flatMap(({ name, check }) =>
    check(resources).map((finding) => `${name}: ${finding}`),
  );
}

import { expect, test } from "vitest";
import { plantedMistakes } from "../src/count-mistakes.ts";

const planted = plantedMistakes();

/** What issue reports and reviews name first, and the gate that must know it. */
const NAMED: readonly (readonly [gate: string, mistake: string])[] = [
  ["terraform", "wrong-attribute"],
  ["terraform", "wrong-type"],
  ["terraform", "wrong-reference"],
  ["terraform", "public-bucket"],
  ["terraform", "public-container"],
  ["terraform", "public-database"],
  ["terraform", "open-security-group"],
  ["terraform", "open-network-security-group"],
  ["terraform", "missing-tag"],
  ["terraform", "bad-cidr"],
  ["terraform", "overlapping-cidrs"],
  ["terraform", "unencrypted-database"],
  ["terraform", "password-in-state"],
  ["terraform", "too-many-rights"],
  ["terraform", "short-backups"],
  ["terraform", "production-without-protection"],
  ["kubernetes", "non-root: root container"],
  ["kubernetes", "disruption-budget: missing budget"],
  ["kubernetes", "autoscaling: autoscaler with fixed replicas"],
  ["kubernetes", "dns: policy that blocks DNS"],
  ["kubernetes", "default-deny: open namespace"],
  ["kubernetes", "pinned-images: latest"],
  ["kubernetes", "no-secrets-in-manifests: secret in the manifests"],
  ["kubernetes", "read-only-root: writable root"],
  ["containers", "base-of-one-release: the tag latest"],
  ["containers", "unprivileged-user: root"],
  ["observability", "runbook: an alert without a runbook"],
  ["observability", "metric-exists: an alert on a metric that does not exist"],
  ["delivery", "pinned-actions: a tag that can move"],
  ["delivery", "no-dangerous-triggers: a stranger's code with our rights"],
  ["delivery", "no-expressions-in-commands: a secret in a command"],
  ["delivery", "every-image-is-built: a forgotten image"],
];

test.each(NAMED)("the gate %s knows %s", (gate, mistake) => {
  expect(planted[gate]?.filter((one) => one.includes(mistake))).not.toEqual([]);
});

test("every gate plants mistakes, more than thirty in all", () => {
  const counts = Object.values(planted).map((list) => list.length);
  expect(Math.min(...counts)).toBeGreaterThan(0);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(30);
});

test("no mistake is counted twice", () => {
  for (const list of Object.values(planted)) expect(new Set(list).size).toBe(list.length);
});

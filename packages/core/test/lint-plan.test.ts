import { describe, expect, test } from "vitest";
import { lintPlan } from "../src/index.ts";
import type { Plan, PlanStep } from "../src/index.ts";
import { KINDS, planOf, withStep, withoutStep } from "./plans.ts";
import { AWS, AWS_WEST, AZURE, WIDE_SHOP } from "./shop.ts";

const DR = planOf("dr");
const REJOIN = planOf("rejoin");

function stepOf(plan: Plan, id: string): PlanStep {
  return plan.steps.find((step) => step.id === id)!;
}

function rulesBroken(plan: Plan): readonly string[] {
  return [...new Set(lintPlan(plan, WIDE_SHOP).map((one) => one.rule))];
}

test.each(KINDS)("the planner's %s is clean", (kind) => {
  expect(lintPlan(planOf(kind, { approvers: 1 }), WIDE_SHOP)).toEqual([]);
});

// One planted violation per rule; the linter must name that rule, and only it where nothing else
// breaks with it.
const PLANTED: readonly (readonly [rule: string, what: string, plan: Plan])[] = [
  ["has-steps", "no step at all", { ...DR, steps: [] }],
  [
    "unique-ids",
    "two steps of one name",
    { ...DR, steps: [...DR.steps, { ...stepOf(DR, "report"), needs: ["report"] }] },
  ],
  [
    "known-needs",
    "a need that is no step",
    withStep(DR, "report", { needs: ["notify", "nobody"] }),
  ],
  [
    "no-cycle",
    "a step that waits for a later one",
    withStep(DR, "fence-site", { needs: ["report"] }),
  ],
  ["titled", "a step that does not say what it does", withStep(DR, "notify", { title: " " })],
  [
    "finite-limits",
    "no time limit",
    withStep(DR, "notify", { timeoutMs: Number.POSITIVE_INFINITY }),
  ],
  ["finite-limits", "a time limit of nothing", withStep(DR, "notify", { timeoutMs: 0 })],
  [
    "finite-limits",
    "endless retries",
    withStep(DR, "notify", {
      retry: { attempts: Number.POSITIVE_INFINITY, backoffMs: 1, backoffMaxMs: 1 },
    }),
  ],
  [
    "finite-limits",
    "an endless wait between tries",
    withStep(DR, "notify", { retry: { attempts: 2, backoffMs: 1, backoffMaxMs: Number.NaN } }),
  ],
  ["generation-follows", "a generation that is skipped", { ...DR, generation: 9 }],
  ["generation-follows", "a move under the old generation", { ...DR, generation: 7 }],
  ["generation-follows", "a heal that claims", { ...planOf("heal"), generation: 8 }],
  ["known-sites", "a target that is no site", { ...DR, to: "elsewhere" }],
  ["known-sites", "another application", { ...DR, application: "other" }],
  [
    "known-sites",
    "a step at a site that does not exist",
    withStep(DR, "notify", { requires: ["elsewhere"] }),
  ],
  ["goes-somewhere", "a heal that moves", { ...planOf("heal"), to: AZURE }],
  [
    "dead-side-not-needed",
    "a step that declares the dead site",
    withStep(DR, "switch-traffic", { requires: [AWS] }),
  ],
  [
    "dead-side-not-needed",
    "a drain, which needs the dead site even if it does not say so",
    withStep(DR, "measure-loss", {
      action: { kind: "drain-replication", from: AWS, to: AZURE },
      undo: { kind: "none", reason: "reads" },
      requires: [],
    }),
  ],
  [
    "undo-same-sites",
    "an undo at another site",
    withStep(DR, "fence-site", {
      undo: { kind: "action", action: { kind: "unfence-site", site: AZURE } },
    }),
  ],
  ["promote-after-fence", "no fence", withoutStep(DR, "fence-site")],
  [
    "promote-after-fence",
    "a fence of the wrong site",
    withStep(DR, "fence-site", {
      action: { kind: "fence-site", site: AWS_WEST },
      undo: { kind: "none", reason: "planted" },
    }),
  ],
  [
    "promote-after-fence",
    "a promotion that claims to leave another site",
    withStep(DR, "promote-database", {
      action: { kind: "promote-database", site: AZURE, from: AWS_WEST },
    }),
  ],
  [
    "unfence-after-fence",
    "two writers after a rollback",
    withoutStep(planOf("rollback"), "fence-site"),
  ],
  ["open-after-promote", "an opening without a promotion", withoutStep(DR, "promote-database")],
  ["switch-after-verify", "a switch to an unverified site", withoutStep(DR, "verify-site")],
  ["converge-after-switch", "convergence without a switch", withoutStep(DR, "switch-traffic")],
  [
    "scale-before-verify",
    "a workload that is scaled after the check",
    withStep(withStep(DR, "verify-site", { needs: ["scale-orders"] }), "scale-billing", {
      needs: ["verify-site"],
    }),
  ],
  ["runs-alone", "a notice beside the fence", withStep(DR, "notify", { needs: [] })],
  [
    "runs-alone",
    "a promotion beside the loss measurement",
    withStep(DR, "promote-database", { needs: ["fence-site"] }),
  ],
  [
    "runs-alone",
    "a fence beside its approval",
    withStep(planOf("dr", { approvers: 1 }), "fence-site", { needs: [] }),
  ],
  ["generation-follows", "a rejoin that claims", { ...REJOIN, generation: 8 }],
  [
    "rejoin-after-fence",
    "a repair of a site that may still write",
    withoutStep(REJOIN, "fence-site"),
  ],
  [
    "rejoin-after-decision",
    "a repair before people decided",
    withoutStep(REJOIN, "record-salvage"),
  ],
  [
    "rejoin-follows-writer",
    "a repair of the writer",
    withStep(REJOIN, "rejoin-site", {
      action: { kind: "rejoin-site", site: AWS, writer: AZURE },
    }),
  ],
  [
    "rejoin-follows-writer",
    "a former writer that follows before the new one is open",
    withStep(planOf("failback"), "rejoin-site", { needs: ["fence-site"] }),
  ],
  [
    "rejoin-spares-writer",
    "a rejoin that fences the writer",
    withStep(REJOIN, "fence-site", { action: { kind: "fence-site", site: AWS } }),
  ],
  [
    "rejoin-spares-writer",
    "a rejoin that moves users",
    withStep(REJOIN, "admit-site", {
      action: { kind: "switch-traffic", from: AWS, to: AZURE },
    }),
  ],
];

describe("refuses", () => {
  test.each(PLANTED)("%s: %s", (rule, _, plan) => {
    const findings = lintPlan(plan, WIDE_SHOP);
    expect(findings.map((one) => one.rule)).toContain(rule);
    for (const one of findings) expect(one.sentence).toMatch(/^[A-Za-z].*\.$/);
  });

  test("a plan with several faults, all at once", () => {
    const plan = withStep({ ...withoutStep(DR, "fence-site"), generation: 9 }, "notify", {
      title: "",
    });
    expect(rulesBroken(plan)).toEqual(["titled", "generation-follows", "promote-after-fence"]);
  });
});

test("the order in the list does not matter, only what steps need", () => {
  expect(lintPlan({ ...DR, steps: DR.steps.toReversed() }, WIDE_SHOP)).toEqual([]);
});

test("a best-effort step may try the dead site", () => {
  const plan = withStep(DR, "notify", { requires: [AWS] });
  expect(lintPlan(plan, WIDE_SHOP)).toEqual([]);
});

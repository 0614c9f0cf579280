/** What a plan would do, before it does it. */
import type { GuardResult, Plan, PlanFinding } from "@cloudphoenix/core";
import type { Terminal } from "../terminal.ts";

export interface DryRunView {
  readonly plan: Plan | null;
  readonly findings: readonly PlanFinding[];
  readonly guards: readonly GuardResult[];
  readonly steps: readonly DryRunStep[];
}

interface DryRunStep {
  readonly id: string;
  readonly title: string;
  readonly current: string;
  readonly intended: string;
  readonly alreadyDone: boolean;
}

/** Every step with current and intended state, then every guard, blocked ones first. */
export function dryRunText(view: DryRunView, paint: Terminal["paint"]): string {
  const lines: string[] = [];
  if (view.plan !== null) {
    const { plan } = view;
    lines.push(
      `Plan ${plan.kind}: ${plan.from} → ${plan.to}, would claim generation ${plan.generation}. Nothing has been changed.`,
      "",
    );
  }
  for (const [index, step] of view.steps.entries()) {
    lines.push(
      `${String(index + 1).padStart(2)}. ${paint.bold(step.title)}${step.alreadyDone ? " (already so)" : ""}`,
      `      now:  ${step.current}`,
      `      then: ${step.intended}`,
    );
  }
  if (view.findings.length > 0) {
    lines.push("", "The plan linter refuses this plan:");
    lines.push(...view.findings.map((finding) => `  ✗ ${finding.rule}: ${finding.sentence}`));
  }
  return [...lines, "", ...guardLines(view.guards, paint)].join("\n");
}

/** One line per guard: what blocks, then what needs approval, then what passes. */
function guardLines(guards: readonly GuardResult[], paint: Terminal["paint"]): readonly string[] {
  const order = { block: 0, approve: 1, pass: 2 } as const;
  const mark = { block: paint.red("✗"), approve: paint.yellow("!"), pass: paint.green("✓") };
  return guards
    .toSorted((a, b) => order[a.outcome] - order[b.outcome])
    .map((guard) => `  ${mark[guard.outcome]} ${guard.guard}: ${guard.sentence}`);
}

/** A plan as text for people. */

import type { Plan, PlanStep } from "../plan.ts";
import { planWords } from "../plan-words.ts";
import { limitText } from "../span-text.ts";
import { wavesOf } from "./waves.ts";

/**
 * What will be done, wave by wave: steps of one wave run together. Each step tells how long it may
 * take, how often it is tried, and what undoes it.
 * @throws {RangeError} if some step can never start (lint the plan first)
 */
export function renderPlan(plan: Plan): string {
  const way = plan.from === plan.to ? `at ${plan.to}` : `from ${plan.from} to ${plan.to}`;
  const steps = new Map(plan.steps.map((step) => [step.id, step]));
  return [
    `Plan ${plan.id}: ${planWords(plan.kind)} of ${plan.application} ${way}`,
    `  generation ${plan.generation} (made at ${plan.parentGeneration})`,
    `  reason     ${plan.reason}`,
    `  if a step fails, ${plan.onFailure === "wait" ? "the run waits for a person" : "the run gives up"}`,
    "",
    ...wavesOf(plan).flatMap((wave, index) =>
      wave.flatMap((id) => {
        const step = steps.get(id);
        return step === undefined ? [] : stepLines(step, index + 1);
      }),
    ),
  ].join("\n");
}

function stepLines(step: PlanStep, wave: number): readonly string[] {
  const tries = step.retry.attempts === 1 ? "1 try" : `${step.retry.attempts} tries`;
  const undo =
    step.undo.kind === "none" ? `no undo: ${step.undo.reason}` : `undo: ${step.undo.action.kind}`;
  const effort = step.bestEffort ? ", best effort" : "";
  return [
    `${String(wave).padStart(2)}. ${step.title} [${step.id}]`,
    `      ${tries} of ${limitText(step.timeoutMs)}${effort}; ${undo}`,
  ];
}

/**
 * From "do this" to a plan that needs no more choices.
 *
 * 1. Pure and deterministic: the same request gives the same plan; identifiers come from outside.
 * 2. Every plan made here passes `lintPlan` (property test).
 * 3. An unplanned move (`region`, `dr`) has no step that needs the site it leaves.
 * 4. One writer: a site opens (or is unfenced) only after the other one was fenced.
 */

import { claimsGeneration, planWords } from "../plan-words.ts";
import type { AcceptedLoss, Plan, PlanStep, StepAction, StepKind } from "../plan.ts";
import { measuredText } from "../span-text.ts";
import { type SiteId, siteOf } from "../topology.ts";
import { titleOf } from "./action-title.ts";
import { undoOf } from "./action-undo.ts";
import type { PlanRequest } from "./plan-request.ts";
import { type Draft, type Stage, stagesOf } from "./plan-stages.ts";
import { sitesNeededBy } from "./sites-of-action.ts";
import { limitsOf } from "./step-limits.ts";

/**
 * Plans a heal (of any site), a move, a rollback or the rejoin of a returned site.
 *
 * A heal and a rejoin work within the current generation; everything else claims the next one. A
 * rejoin goes `from` the writer, whose data counts, `to` the site that becomes its standby again.
 * @throws {RangeError} if a site is not one of the application's, a move would end where it
 *   starts, a rollback would go anywhere but to the active site, or the site it leaves is ambiguous
 */
export function planFor(request: PlanRequest): Plan {
  const { application, kind, roles } = request;
  const from = leftSite(request);
  for (const site of [from, request.target]) siteOf(application, site);
  if ((from === request.target) !== (kind === "heal")) {
    throw new RangeError(`${planWords(kind)} cannot go from ${from} to ${request.target}`);
  }
  return {
    id: request.id,
    kind,
    application: application.name,
    generation: roles.generation + (claimsGeneration(kind) ? 1 : 0),
    parentGeneration: roles.generation,
    createdAtMs: request.nowMs,
    from,
    to: request.target,
    reason: request.reason,
    // A heal that does not help must make room for a move; a half-done move needs a person.
    onFailure: kind === "heal" ? "give-up" : "wait",
    steps: stepsOf([...approvalStage(request, from), ...stagesOf(request, from)], request),
  };
}

function leftSite({ kind, application, roles, from, target }: PlanRequest): SiteId {
  if (kind === "heal") return target;
  if (kind !== "rollback") return roles.active;
  if (target !== roles.active) {
    throw new RangeError(
      `a rollback goes back to ${roles.active}; after writes opened, switch over`,
    );
  }
  if (from !== undefined) return from;
  const others = application.sites.filter((site) => site.id !== target);
  const [only] = others;
  if (only === undefined || others.length > 1) {
    throw new RangeError(`a rollback to ${target} must say which site it leaves`);
  }
  return only.id;
}

function approvalStage(
  {
    approvers,
    another,
    kind,
    application,
    acceptedLoss,
    reservations,
    reason,
    target,
  }: PlanRequest,
  from: SiteId,
): readonly Stage[] {
  if (approvers <= 0) return [];
  const way = from === target ? `at ${target}` : `from ${from} to ${target}`;
  const accepts = acceptedLoss ?? null;
  const loss = accepts === null ? "" : ` ${acceptedText(accepts)}`;
  const notes = (reservations ?? []).map((sentence) => ` ${sentence}`).join("");
  const question = `${planWords(kind)} of ${application.name} ${way}?${loss}${notes} ${reason}`;
  const action: StepAction = {
    kind: "approval",
    approvers,
    question,
    ...(accepts === null ? {} : { accepts }),
    ...(another === true ? { another } : {}),
  };
  return [[{ id: "approval", action }]];
}

function acceptedText({ writesMs, objectsMs }: AcceptedLoss): string {
  const objects = objectsMs === undefined ? "" : ` and ${mostText(objectsMs)} of objects`;
  return `It may lose ${mostText(writesMs)} of writes${objects}.`;
}

function mostText(ms: number | null): string {
  return ms === null ? "an unknown amount" : `up to ${measuredText(ms)}`;
}

/** Each step needs every step of the stage before; a stage without steps is left out. */
function stepsOf(stages: readonly Stage[], request: PlanRequest): readonly PlanStep[] {
  const filled = stages.filter((stage) => stage.length > 0);
  return filled.flatMap((stage, index) => {
    const needs = filled[index - 1]?.map((draft) => draft.id) ?? [];
    return stage.map((draft) => planStep(draft, needs, request));
  });
}

/** A move that is done is done: users are served whether or not people were told of it. */
const BEST_EFFORT: ReadonlySet<StepKind> = new Set(["notify", "report", "settle-objects"]);

function planStep(
  { id, action, undo }: Draft,
  needs: readonly string[],
  request: PlanRequest,
): PlanStep {
  const { retry } = limitsOf(action);
  return {
    id,
    action,
    title: titleOf(action),
    needs,
    timeoutMs: timeoutOf(action, request),
    retry,
    undo: undo ?? undoOf(action),
    requires: sitesNeededBy(action),
    bestEffort: BEST_EFFORT.has(action.kind),
  };
}

/**
 * What has to wait for a lease gets the time for it: a fence always, and an opening (or its undo)
 * whenever nobody has waited before, for instance after a change of leader.
 */
function timeoutOf(action: StepAction, { fenceDeadlineMs }: PlanRequest): number {
  const { timeoutMs } = limitsOf(action);
  if (action.kind === "fence-site") return fenceDeadlineMs ?? timeoutMs;
  return action.kind === "open-writes" ? Math.max(timeoutMs, fenceDeadlineMs ?? 0) : timeoutMs;
}

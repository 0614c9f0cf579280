/**
 * From "do this" to a plan that needs no more choices.
 *
 * 1. Pure and deterministic: the same request gives the same plan; identifiers come from outside.
 * 2. Every plan made here passes `lintPlan` (property test).
 * 3. An unplanned move (`region`, `dr`) has no step that needs the site it leaves.
 * 4. One writer: a site opens (or is unfenced) only after the other one was fenced.
 */

import { planWords } from "../plan-words.ts";
import type { Plan, PlanKind, PlanStep, StepAction } from "../plan.ts";
import type { SiteScore } from "../score.ts";
import { type Application, type Roles, type SiteId, siteOf } from "../topology.ts";
import { titleOf } from "./action-title.ts";
import { undoOf } from "./action-undo.ts";
import { healComponentOf } from "./heal-component.ts";
import { sitesNeededBy } from "./sites-of-action.ts";
import { limitsOf } from "./step-limits.ts";

/** What a plan is made for. */
export interface PlanRequest {
  /** Becomes the id of the plan and of its run; the caller makes it unique. */
  readonly id: string;
  readonly kind: PlanKind;
  readonly application: Application;
  readonly roles: Roles;
  /** Where the application shall run afterwards; for a heal, where it runs. */
  readonly target: SiteId;
  /** Rollback only: where the move to be undone went. Default: the only other site. */
  readonly from?: SiteId | undefined;
  readonly nowMs: number;
  readonly reason: string;
  /** Distinct people who must approve before the first step; 0 for none. */
  readonly approvers: number;
  /** Heal only: what is broken. Without it, replicas that are not ready are replaced. */
  readonly score?: SiteScore | null | undefined;
  /** Limit of one try of a fence: short, because a dead site never answers. Default 3 s. */
  readonly fenceDeadlineMs?: number | undefined;
}

/** A step to be: its name and what it does; the rest follows from that. */
interface Draft {
  readonly id: string;
  readonly action: StepAction;
}

/** Drafts that may run at the same time; a stage starts when the one before has ended. */
type Stage = readonly Draft[];

/**
 * Plans a heal, a move or a rollback.
 *
 * A heal works within the current generation; everything else claims the next one.
 * @throws {RangeError} if a site is not one of the application's, a move would end where it
 *   starts, or the site a rollback leaves is ambiguous
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
    generation: kind === "heal" ? roles.generation : roles.generation + 1,
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
  if (kind !== "rollback") return roles.active;
  if (from !== undefined) return from;
  const others = application.sites.filter((site) => site.id !== target);
  const [only] = others;
  if (only === undefined || others.length > 1) {
    throw new RangeError(`a rollback to ${target} must say which site it leaves`);
  }
  return only.id;
}

function approvalStage({ approvers, kind, application, reason, target }: PlanRequest, from: SiteId): readonly Stage[] {
  if (approvers <= 0) return [];
  const way = from === target ? `at ${target}` : `from ${from} to ${target}`;
  const question = `${planWords(kind)} of ${application.name} ${way}? ${reason}`;
  return [[{ id: "approval", action: { kind: "approval", approvers, question } }]];
}

function stagesOf(request: PlanRequest, from: SiteId): readonly Stage[] {
  switch (request.kind) {
    case "heal":
      return healStages(request);
    case "region":
    case "dr":
      return failoverStages(request, from);
    case "switchover":
      return switchoverStages(request, from);
    case "rollback":
      return rollbackStages(request, from);
  }
}

function healStages({ application, score, target: site }: PlanRequest): readonly Stage[] {
  const repair: Stage =
    healComponentOf(score ?? null) === "database"
      ? [step({ kind: "restart-database", site })]
      : application.workloads.map(({ name }) => ({
          id: `restart-${name}`,
          action: { kind: "restart-workload", site, workload: name },
        }));
  return [
    repair,
    [step({ kind: "verify-site", site, expect: "serving" })],
    ...closing("info", `${application.name} was healed at ${site}.`),
  ];
}

/** Nothing here needs `from`: it is fenced without its help, and what it lost is measured later. */
function failoverStages(request: PlanRequest, from: SiteId): readonly Stage[] {
  const { target: to } = request;
  return [
    [step({ kind: "fence-site", site: from })],
    [step({ kind: "measure-loss", from, to })],
    [step({ kind: "promote-database", site: to, from })],
    scaleStage(request),
    ...arrival(request, from),
  ];
}

/** What can be done beforehand is, because writes are refused from the fence to the opening. */
function switchoverStages(request: PlanRequest, from: SiteId): readonly Stage[] {
  const { target: to } = request;
  return [
    scaleStage(request),
    [{ id: "verify-before", action: { kind: "verify-site", site: to, expect: "standing-by" } }],
    [step({ kind: "fence-site", site: from })],
    [step({ kind: "drain-replication", from, to })],
    [step({ kind: "promote-database", site: to, from })],
    ...arrival(request, from),
  ];
}

/**
 * Undoes a move whose target never opened. The half-prepared target is fenced first, so that there
 * is one writer whatever the undone run had reached.
 */
function rollbackStages(request: PlanRequest, from: SiteId): readonly Stage[] {
  const { application, target: to } = request;
  return [
    [step({ kind: "fence-site", site: from })],
    [step({ kind: "unfence-site", site: to })],
    scaleStage(request),
    [step({ kind: "verify-site", site: to, expect: "serving" })],
    [step({ kind: "switch-traffic", from, to })],
    [step({ kind: "verify-convergence", site: to })],
    ...closing("warning", `The move of ${application.name} was undone: it runs at ${to} again.`),
  ];
}

/** From a promoted database to users at the target. Opening is the commit point. */
function arrival({ application, kind, target: to }: PlanRequest, from: SiteId): readonly Stage[] {
  return [
    [step({ kind: "verify-site", site: to, expect: "standing-by" })],
    [step({ kind: "switch-traffic", from, to })],
    [step({ kind: "open-writes", site: to })],
    [step({ kind: "verify-convergence", site: to })],
    ...closing(
      kind === "switchover" ? "info" : "critical",
      `${application.name} moved from ${from} to ${to} (${planWords(kind)}).`,
    ),
  ];
}

function scaleStage({ application, target: site }: PlanRequest): Stage {
  return application.workloads.map(({ name, replicas }) => ({
    id: `scale-${name}`,
    action: { kind: "scale-workload", site, workload: name, replicas },
  }));
}

function closing(
  severity: "info" | "warning" | "critical",
  message: string,
): readonly Stage[] {
  return [[step({ kind: "notify", severity, message })], [step({ kind: "report" })]];
}

function step(action: StepAction): Draft {
  return { id: action.kind, action };
}

/** Each step needs every step of the stage before; a stage without steps is left out. */
function stepsOf(stages: readonly Stage[], request: PlanRequest): readonly PlanStep[] {
  const filled = stages.filter((stage) => stage.length > 0);
  return filled.flatMap((stage, index) => {
    const needs = filled[index - 1]?.map((draft) => draft.id) ?? [];
    return stage.map((draft) => planStep(draft, needs, request));
  });
}

function planStep({ id, action }: Draft, needs: readonly string[], request: PlanRequest): PlanStep {
  const { timeoutMs, retry } = limitsOf(action);
  const fence = action.kind === "fence-site";
  return {
    id,
    action,
    title: titleOf(action),
    needs,
    timeoutMs: fence ? (request.fenceDeadlineMs ?? timeoutMs) : timeoutMs,
    retry,
    undo: undoOf(action),
    requires: sitesNeededBy(action),
    bestEffort: action.kind === "notify" || action.kind === "report",
  };
}

/** What each kind of plan does, in which order. */

import { unreachable } from "../error.ts";
import { planWords } from "../plan-words.ts";
import type { StepAction, StepUndo } from "../plan.ts";
import type { SiteId } from "../topology.ts";
import { healComponentOf } from "./heal-component.ts";
import type { PlanRequest } from "./plan-request.ts";

/** A step to be: its name and what it does; the rest follows from that unless said here. */
export interface Draft {
  readonly id: string;
  readonly action: StepAction;
  readonly undo?: StepUndo;
}

/** Drafts that may run at the same time; a stage starts when the one before has ended. */
export type Stage = readonly Draft[];

/** The stages of the plan `request` asks for, after any approval; `from` is the site it leaves. */
export function stagesOf(request: PlanRequest, from: SiteId): readonly Stage[] {
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
    default:
      return unreachable(request.kind);
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
  const undo: StepUndo = { kind: "none", reason: `${from} never opened; it stays stopped.` };
  return [
    [{ ...step({ kind: "fence-site", site: from }), undo }],
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

function closing(severity: "info" | "warning" | "critical", message: string): readonly Stage[] {
  return [[step({ kind: "notify", severity, message })], [step({ kind: "report" })]];
}

function step(action: StepAction): Draft {
  return { id: action.kind, action };
}

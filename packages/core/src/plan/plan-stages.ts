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
    case "failback":
      return plannedMoveStages(request, from);
    case "rollback":
      return rollbackStages(request, from);
    case "rejoin":
      return rejoinStages(request, from);
    default:
      return unreachable(request.kind);
  }
}

/** A standby is healed like the active site, and stays one: it is up again, and refuses writes. */
function healStages({ application, roles, score, target: site }: PlanRequest): readonly Stage[] {
  const expect = site === roles.active ? "serving" : "standing-by";
  const repair: Stage =
    healComponentOf(score ?? null) === "database"
      ? [step({ kind: "restart-database", site })]
      : application.workloads.map(({ name }) => ({
          id: `restart-${name}`,
          action: { kind: "restart-workload", site, workload: name },
        }));
  return [
    repair,
    [step({ kind: "verify-site", site, expect })],
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

/**
 * A move with both sites alive. What can be done beforehand is, because writes are refused from the
 * fence to the opening. Traffic is switched before the fence: while names still lead to the old
 * site it still writes, and when it stops, clients are already on their way. The former writer
 * follows again in the same plan, and at once: until then the application has no standby.
 */
function plannedMoveStages(request: PlanRequest, from: SiteId): readonly Stage[] {
  const { kind, target: to } = request;
  const compareFirst: Draft = {
    id: "compare-before",
    action: { kind: "compare-sites", writer: from, follower: to },
  };
  return [
    kind === "failback" ? [compareFirst] : [],
    scaleStage(request),
    // An approval may have taken days: whether the target still follows is seen before writers stop.
    [step({ kind: "verify-site", site: to, expect: "standing-by", follows: from })],
    objectStage(request, { kind: "drain-objects", from, to }),
    [step({ kind: "switch-traffic", from, to })],
    [step({ kind: "fence-site", site: from })],
    [step({ kind: "drain-replication", from, to })],
    [step({ kind: "promote-database", site: to, from })],
    [step({ kind: "open-writes", site: to })],
    [step({ kind: "rejoin-site", site: from, writer: to })],
    standbyStage(request, from),
    [
      {
        id: "verify-standby",
        action: { kind: "verify-site", site: from, expect: "standing-by" },
      },
    ],
    [
      step({ kind: "verify-convergence", site: to }),
      ...objectStage(request, { kind: "settle-objects", from, to }),
    ],
    [step({ kind: "compare-sites", writer: to, follower: from })],
    ...closing("info", moved(request, from)),
  ];
}

/**
 * Makes a returned old primary the standby of the writer. The writer is only read; the site is
 * fenced first, and nothing of it is given up before people decided about what it alone holds.
 */
function rejoinStages(request: PlanRequest, writer: SiteId): readonly Stage[] {
  const { application, target: site } = request;
  const undo: StepUndo = { kind: "none", reason: `${site} must not write: ${writer} does.` };
  return [
    [{ ...step({ kind: "fence-site", site }), undo }],
    [step({ kind: "record-salvage", site })],
    [step({ kind: "rejoin-site", site, writer })],
    [step({ kind: "admit-site", site })],
    standbyStage(request, site),
    [step({ kind: "verify-site", site, expect: "standing-by" })],
    [step({ kind: "compare-sites", writer, follower: site })],
    ...closing("info", `${site} follows ${writer} again: ${application.name} is protected.`),
  ];
}

/**
 * Undoes a move whose target never opened. The half-prepared target is fenced first, so that there
 * is one writer whatever the undone run had reached.
 */
function rollbackStages(request: PlanRequest, from: SiteId): readonly Stage[] {
  const { application, target: to } = request;
  const undo: StepUndo = { kind: "none", reason: `${from} never opened; it stays stopped.` };
  // It may have written before the rollback, too: whoever gives that up does not want it stopped.
  const leave: StepUndo = {
    kind: "none",
    reason: `${to} is the active site, and no other writes.`,
  };
  return [
    [{ ...step({ kind: "fence-site", site: from }), undo }],
    [{ ...step({ kind: "unfence-site", site: to }), undo: leave }],
    scaleStage(request),
    [step({ kind: "verify-site", site: to, expect: "serving" })],
    [step({ kind: "switch-traffic", from, to })],
    [step({ kind: "verify-convergence", site: to })],
    ...closing(
      "warning",
      `The move of ${application.name} was undone: it runs at ${to} again. ${from} is stopped, and no standby until it is copied anew: cloudphoenix quarantine show.`,
    ),
  ];
}

/** From a promoted database to users at the target. Opening is the commit point. */
function arrival(request: PlanRequest, from: SiteId): readonly Stage[] {
  const { target: to } = request;
  return [
    [step({ kind: "verify-site", site: to, expect: "standing-by" })],
    [step({ kind: "switch-traffic", from, to })],
    [step({ kind: "open-writes", site: to })],
    [
      step({ kind: "verify-convergence", site: to }),
      ...objectStage(request, { kind: "settle-objects", from, to }),
    ],
    ...closing("critical", moved(request, from)),
  ];
}

/**
 * What is done about objects, where there are any. They are settled after writes have opened, so that
 * nobody waits for them: an object that arrives late replaces nothing that was written at the new
 * site. A planned move waits for them before, while the old site still writes, so that few are late.
 */
function objectStage({ application }: PlanRequest, action: StepAction): Stage {
  return application.objects === undefined ? [] : [step(action)];
}

function moved({ application, kind, target: to }: PlanRequest, from: SiteId): string {
  return `${application.name} moved from ${from} to ${to} (${planWords(kind)}).`;
}

/** The replicas of a site that stands by, brought back after the fence has stopped them. */
function standbyStage({ application }: PlanRequest, site: SiteId): Stage {
  return application.workloads.map(({ name, replicas }) => ({
    id: `standby-${name}`,
    action: { kind: "scale-workload", site, workload: name, replicas },
  }));
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

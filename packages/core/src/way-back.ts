/**
 * Which move a rollback would undo, read from what has ended.
 *
 * 1. Only a move (or a rollback) that began to change something and did not get to its end leaves
 *    anything half-way. One that was undone has been taken back already.
 * 2. It counts until something newer has settled it: a finished rollback or move to the active site, or
 *    a finished rejoin of the site it went to.
 * 3. What is not among the runs that were read is unknown, not absent.
 */

import type { PastRun, PastRuns, Situation } from "./decision.ts";
import type { PlanKind } from "./plan.ts";
import type { RunStatus } from "./run.ts";
import type { SiteId } from "./topology.ts";

/** What is known about the way back to the active site. */
export interface WayBack {
  /** The newest run that was left half-way between the active site and `from`; null if none is known. */
  readonly run: PastRun | null;
  /** Whether all that could matter was read: then no run means that there is none. */
  readonly complete: boolean;
  /** The site a rollback would stop; null if that cannot be known. */
  readonly from: SiteId | null;
}

/** Looks for what a rollback to the active site has to undo; `wanted` is the site a person named. */
export function wayBackOf(situation: Situation, wanted?: SiteId): WayBack {
  const { activity, roles } = situation;
  const found = leftHalfWay(activity.past?.newestFirst ?? [], { active: roles.active, wanted });
  const complete = found.settled || activity.past?.complete === true;
  return {
    run: found.run,
    complete,
    from: wanted ?? (found.run === null ? likelyFrom(situation) : otherSite(found.run)),
  };
}

/** The newest run that was left half-way between the active site and another one; null if none is known. */
export function leftRunOf({ newestFirst }: PastRuns, active: SiteId): PastRun | null {
  return leftHalfWay(newestFirst, { active, wanted: undefined }).run;
}

/** The site of a move or rollback that is not the one it would be taken back to. */
export function otherSite({ kind, from, to }: Pick<PastRun, "kind" | "from" | "to">): SiteId {
  return kind === "rollback" ? from : to;
}

function leftHalfWay(
  newestFirst: readonly PastRun[],
  { active, wanted }: { readonly active: SiteId; readonly wanted: SiteId | undefined },
): { readonly run: PastRun | null; readonly settled: boolean } {
  const rejoined = new Set<SiteId>();
  for (const run of newestFirst) {
    if (settles(run, active)) return { run: null, settled: true };
    if (run.kind === "rejoin" && run.status === "completed") rejoined.add(run.to);
    const other = otherSite(run);
    const isAsked = wanted === undefined || other === wanted;
    if (leaves(run, active) && isAsked && !rejoined.has(other)) return { run, settled: true };
  }
  return { run: null, settled: false };
}

/** Whether the active site writes, and users are led to it, since this run. */
function settles(run: PastRun, active: SiteId): boolean {
  const arrived = run.status === "completed" || run.opening === "opened";
  return isMove(run.kind) && run.to === active && arrived;
}

/** Whether the run went between the active site and another one, and did not put things right. */
function leaves(run: PastRun, active: SiteId): boolean {
  const isBack = run.kind === "rollback";
  if (!isMove(run.kind) || (isBack ? run.to : run.from) !== active) return false;
  if (run.opening !== "closed") return true;
  // Undoing a rollback fences the site it had opened.
  return run.touched && (isBack || LEFT_AS_IT_WAS.includes(run.status));
}

const LEFT_AS_IT_WAS: readonly RunStatus[] = ["stuck", "failed", "superseded"];

/** Kinds after which another site may be the one users reach. */
function isMove(kind: PlanKind): boolean {
  return kind !== "heal" && kind !== "rejoin";
}

/** Without a record: where the names lead, or the only site there is. */
function likelyFrom({ application, roles, standing }: Situation): SiteId | null {
  const others = application.sites.filter(({ id }) => id !== roles.active);
  const named = others.find(({ id }) => id === standing?.namesLeadTo);
  return named?.id ?? (others.length === 1 ? (others[0]?.id ?? null) : null);
}

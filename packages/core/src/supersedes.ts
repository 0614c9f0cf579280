/** Which plans make room for others. */

import type { RunStage } from "./decision.ts";
import type { PlanKind } from "./plan.ts";
import type { SiteId } from "./topology.ts";

/** A plan as far as it matters here. */
interface Undertaking {
  readonly kind: PlanKind;
  readonly to: SiteId;
}

/** One that may begin. */
export interface NextUndertaking extends Undertaking {
  /** Whether it would begin without asking people. */
  readonly asksNobody: boolean;
}

/** One that runs. */
export interface RunningUndertaking extends Undertaking {
  readonly stage?: RunStage;
}

/**
 * Whether `next` may cancel `running` and take its place: a move a heal that did not help, a heal of
 * the active site one of a standby, anything but a repair of a standby a rejoin. A repair of the
 * standby can be done again at any time; a sick writer must not wait for it, another repair must.
 *
 * A failover takes the place of a move that cannot go on.
 *
 * A move takes the place of another one that has opened writes, too: what is left of that one may
 * take hours, or wait for people, and the site it went to may be lost meanwhile. Only once the roles
 * say so, too: a plan made from older ones would leave the site before, and the writer unfenced. A heal
 * does not: the former writer may just be becoming the standby.
 */
export function supersedes(
  next: NextUndertaking,
  running: RunningUndertaking,
  active: SiteId,
): boolean {
  const repairsStandby = next.kind === "rejoin" || (next.kind === "heal" && next.to !== active);
  if (repairsStandby) return false;
  if (running.stage === "opened") {
    return active === running.to && next.kind !== "heal" && next.kind !== "rollback";
  }
  if (running.kind === "rejoin") return true;
  if (running.kind === "heal") return next.kind !== "heal" || running.to !== active;
  return givesWay(running, next);
}

/** Whether a run of this kind moves on purpose, with both sites alive. */
export function isPlannedMove(kind: PlanKind): boolean {
  return kind === "switchover" || kind === "failback";
}

/**
 * A planned move needs the site it leaves. If that is lost before the target is promoted, the move can
 * only wait, and would hold up the failover that the loss calls for: for the days an approval may take,
 * or until people are awake to cancel it. Whether it is lost is for the guard to judge.
 *
 * A failover gives way only before its first step: to a graver one that goes elsewhere, and, while it
 * asks people, to the same one without a question: what it asks about may have passed a moment later, for
 * instance a witness that did not answer. Later two targets could replace each other for ever.
 */
function givesWay({ kind, to, stage }: RunningUndertaking, next: NextUndertaking): boolean {
  if (next.kind !== "region" && next.kind !== "dr") return false;
  if (stage === undefined || stage === "under-way") return false;
  if (isPlannedMove(kind)) return true;
  if (next.kind === kind && next.to === to) return stage === "asking" && next.asksNobody;
  return kind === "region" && next.kind === "dr" && next.to !== to;
}

/** The copy of the objects as a signal among the others. */
import {
  type ObjectCopyFacts,
  type Signal,
  type SiteId,
  staysBehindText,
} from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { ObjectWatch } from "../ports/object-data.ts";
import type { ObservationSource } from "../ports/observation-source.ts";
import { type FactAnswer, factSignal, worstAnswer } from "./fact-signal.ts";

/** A follower tells every second or two; one that is silent for this long tells nothing. */
const SILENT_MS = 15_000;

/** So many objectives behind is no longer late but stuck. */
const UNHEALTHY_OBJECTIVES = 5;

/** Characters. */
const DETAIL_MAX = 200;

export interface ObjectSignalOptions {
  readonly clock: Clock;
  readonly watch: ObjectWatch;
  /** Signals of kind `object-backlog`; the others are ignored. */
  readonly signals: readonly Signal[];
  readonly sites: readonly SiteId[];
  /** The active site now; a signal of another site has nothing to say. */
  readonly active: () => SiteId;
  /** How far the copy may be behind. */
  readonly rpoMs: number;
}

/** Turns what the follower tells into observations, once per interval of each signal. */
export function objectSignal(options: ObjectSignalOptions): ObservationSource {
  const { watch, sites, rpoMs } = options;
  return factSignal({
    ...options,
    kind: "object-backlog",
    answer: (signal, nowMs) =>
      worstAnswer(
        sites
          .filter((site) => site !== signal.site)
          .map((site) => backlogStatus(watch.facts(site), { nowMs, standby: site, rpoMs })),
        "no standby to copy to",
      ),
  });
}

function backlogStatus(
  { toldAtMs, completeUntilMs, pending, needPerson, paused, deletesHeldBack }: ObjectCopyFacts,
  {
    nowMs,
    standby,
    rpoMs,
  }: { readonly nowMs: number; readonly standby: SiteId; readonly rpoMs: number },
): FactAnswer {
  if (toldAtMs === null || nowMs - toldAtMs > SILENT_MS) {
    return { status: "unknown", detail: "nobody tells how far the copy of the objects is" };
  }
  const detail = (first: string): string =>
    [
      first,
      ...(needPerson === 0 ? [] : [staysBehindText(needPerson)]),
      ...(deletesHeldBack === null ? [] : [deletesHeldBack]),
    ]
      .join("; ")
      .slice(0, DETAIL_MAX);
  if (paused !== null) {
    return { status: "degraded", detail: detail(`nothing is copied: ${paused}`) };
  }
  if (completeUntilMs === null) {
    return { status: "unknown", detail: detail(`${standby} has not been compared yet`) };
  }
  const behindMs = Math.max(0, nowMs - completeUntilMs);
  const text = detail(`objects of ${standby} are ${behindMs} ms behind, ${pending} on their way`);
  if (behindMs > UNHEALTHY_OBJECTIVES * rpoMs) return { status: "unhealthy", detail: text };
  // What waits for a person is in no age, and a move would leave it behind all the same.
  const whole = behindMs <= rpoMs && needPerson === 0;
  return { status: whole ? "healthy" : "degraded", detail: text };
}

/**
 * The report of the whole circle: what was promised, what was measured, whether both agree. The
 * clients count by themselves; nothing the product says of itself is taken for granted.
 */
import type { DurabilityMode } from "@cloudphoenix/core";
import type { ReadbackResult } from "@cloudphoenix/sandbox";
import type { QuarantineDocument, ReapplyDocument } from "../render/quarantine-text.ts";
import type { RunView } from "../render/run-text.ts";
import { cameHome, type LeftAlone, listedExactly, type WayHome } from "./circle-objects.ts";
import {
  type DemoReport,
  nothingGivenUp,
  objectsThere,
  ordersOnce,
  type ObjectsView,
  type OrdersView,
} from "./demo-report.ts";

/** Everything the report is made from. Times are epoch milliseconds of the clients' clock. */
export interface FailbackFacts {
  readonly fault: string;
  readonly durability: DurabilityMode;
  readonly linkDelayMs: number;
  readonly writesPerSecond: number;
  readonly home: string;
  readonly away: string;
  readonly runs: {
    readonly failover: RunView;
    readonly rejoin: RunView;
    readonly failback: RunView;
  };
  readonly quarantine: QuarantineDocument;
  readonly salvage: {
    /** Orders inserted by the transactions that only the returned site has. */
    readonly orderIds: readonly string[];
    readonly reapplied: ReapplyDocument;
    /** Null where the application has no objects. */
    readonly alone: LeftAlone | null;
  };
  /** What clients missed after the failover, and at the end. */
  readonly lost: ReadbackResult;
  readonly kept: ReadbackResult;
  readonly orders: OrdersView;
  /** Null where the application has none. */
  readonly objects: ObjectsView | null;
  readonly wayHome: WayHome | null;
  readonly acknowledged: number;
  readonly givenUp: number;
  readonly pause: { readonly lastAwayAtMs: number; readonly firstHomeAtMs: number } | null;
  readonly active: string;
  readonly protection: { readonly yes: boolean; readonly why: string };
  readonly parts: DemoReport["parts"];
}

/** The report as `--json` prints it. Field names are a contract. */
export interface FailbackReport {
  readonly fault: string;
  readonly home: string;
  readonly away: string;
  readonly durability: DurabilityMode;
  readonly link_delay_ms: number;
  readonly writes_per_second: number;
  readonly runs: Readonly<
    Record<
      "failover" | "rejoin" | "failback",
      { readonly id: string; readonly status: string; readonly duration_ms: number | null }
    >
  >;
  readonly writes_acknowledged: number;
  readonly writes_lost_by_failover: number;
  readonly writes_salvaged: number;
  readonly changes_reapplied: number;
  readonly changes_conflicting: number;
  readonly rows_deleted: number | null;
  readonly rows_restored: number | null;
  readonly rows_compared: number | null;
  /** As clients saw it: last acknowledgement away to first at home. */
  readonly write_pause_ms: number | null;
  /** As the controller saw it: fence begun to writes open. */
  readonly write_pause_controller_ms: number | null;
  readonly writes_lost_at_the_end: number;
  readonly writes_given_up: number;
  readonly orders_placed: number;
  readonly orders_fulfilled: number;
  readonly orders_set_aside: number;
  readonly orders_doubled: number;
  /** Null where the application has no objects, as the five others. */
  readonly objects_acknowledged: number | null;
  readonly objects_present: number | null;
  readonly objects_missing: number | null;
  /** Missing right after the application had gone home, and there in the end. */
  readonly objects_late: number | null;
  /** Keys that the returned site had alone, as the product listed them. */
  readonly objects_only_at_home: number | null;
  /** How far the copy home was behind before the application went home. */
  readonly objects_behind_ms: number | null;
  readonly parts: DemoReport["parts"];
  readonly promises: DemoReport["promises"];
  readonly ok: boolean;
}

type KeptPromise = DemoReport["promises"][number];

const PAUSE_MAX_MS = 1_000;

/** Builds the report and judges every promise. Pure. */
export function failbackReport(facts: FailbackFacts): FailbackReport {
  const { runs, salvage, lost, kept } = facts;
  const promises = [
    moved(facts),
    shut(facts),
    salvagedExactly(facts),
    writtenBack(facts),
    repaired(facts),
    wentHome(facts),
    nothingGivenUp(facts.givenUp),
    nothingLost(facts),
    shortPause(facts),
    ordersOnce(facts.orders),
    ...listedExactly(salvage.alone, facts.home),
    ...cameHome(facts.wayHome, facts),
    ...objectsThere(facts.objects),
    protectedAgain(facts),
  ];
  return {
    fault: facts.fault,
    home: facts.home,
    away: facts.away,
    durability: facts.durability,
    link_delay_ms: facts.linkDelayMs,
    writes_per_second: facts.writesPerSecond,
    runs: {
      failover: summary(runs.failover),
      rejoin: summary(runs.rejoin),
      failback: summary(runs.failback),
    },
    writes_acknowledged: facts.acknowledged,
    writes_lost_by_failover: lost.missingTotal,
    writes_salvaged: salvage.orderIds.length,
    changes_reapplied: salvage.reapplied.applied,
    changes_conflicting: salvage.reapplied.conflicting,
    rows_deleted: runs.rejoin.report?.rejoin?.deleted ?? null,
    rows_restored: runs.rejoin.report?.rejoin?.restored ?? null,
    rows_compared: runs.failback.report?.comparison?.rows ?? null,
    write_pause_ms: pauseMs(facts),
    write_pause_controller_ms: runs.failback.report?.writePauseMs ?? null,
    writes_lost_at_the_end: kept.missingTotal,
    writes_given_up: facts.givenUp,
    orders_placed: facts.orders.orders,
    orders_fulfilled: facts.orders.fulfilled,
    orders_set_aside: facts.orders.setAside,
    orders_doubled: facts.orders.doubledTotal,
    objects_acknowledged: facts.objects?.acknowledged ?? null,
    objects_present: facts.objects?.present ?? null,
    objects_missing: facts.objects?.missing.length ?? null,
    objects_late: facts.objects?.late ?? null,
    objects_only_at_home: salvage.alone?.named?.length ?? null,
    objects_behind_ms: facts.wayHome?.behindMs ?? null,
    parts: facts.parts,
    promises,
    ok: promises.every((promise) => promise.held),
  };
}

function summary({ run }: RunView): FailbackReport["runs"]["failover"] {
  const duration_ms = run.endedAtMs === null ? null : run.endedAtMs - run.startedAtMs;
  return { id: run.id, status: run.status, duration_ms };
}

function moved({ runs, home, away }: FailbackFacts): KeptPromise {
  const { id, status } = runs.failover.run;
  return {
    promise: `the application moves from ${home} to ${away} by itself`,
    held: status === "completed",
    detail: `run ${id} ended ${status}`,
  };
}

function shut({ quarantine, home }: FailbackFacts): KeptPromise {
  return {
    promise: `${home} comes back shut and is quarantined`,
    held: quarantine.fence.degree === "confirmed",
    detail: `found as ${quarantine.found.role} of generation ${quarantine.found.generation}; fence ${quarantine.fence.degree}`,
  };
}

/** What the log has more than clients miss was never acknowledged: the answer was lost on its way. */
function salvagedExactly({ salvage, lost, quarantine }: FailbackFacts): KeptPromise {
  const salvaged = new Set(salvage.orderIds);
  const unnamed = lost.missing.filter((write) => !salvaged.has(write.orderId));
  const acknowledged = lost.missing.length - unnamed.length;
  return {
    promise: "the salvage lists exactly the writes the clients lost",
    held:
      unnamed.length === 0 &&
      lost.errors + lost.notChecked === 0 &&
      lost.missing.length === lost.missingTotal,
    detail: `${salvaged.size} orders in ${quarantine.divergence?.transactions ?? 0} transactions of the log, ${acknowledged} of them acknowledged; the clients miss ${lost.missingTotal}`,
  };
}

function writtenBack({ salvage, lost, kept }: FailbackFacts): KeptPromise {
  const { applied, conflicting } = salvage.reapplied;
  const before = new Set(lost.missing.map((write) => write.key));
  const stillMissing = kept.missing.filter((write) => before.has(write.key));
  return {
    promise: "every lost write is written back",
    held: stillMissing.length === 0,
    detail: `${applied} changes applied, ${conflicting} conflicted (repeated by the client meanwhile); ${stillMissing.length} of ${before.size} still missing`,
  };
}

function repaired({ runs, home, away }: FailbackFacts): KeptPromise {
  const { run, report } = runs.rejoin;
  const rejoin = report?.rejoin ?? null;
  const comparison = report?.comparison ?? null;
  return {
    promise: `${home} is repaired by key, follows ${away}, and both are equal`,
    held: run.status === "completed" && comparison?.equal === true,
    detail:
      rejoin === null || comparison === null
        ? `run ${run.id} ended ${run.status}`
        : `${rejoin.deleted} rows deleted, ${rejoin.restored} restored; checksums of ${comparison.rows} rows in ${comparison.tables} tables compared`,
  };
}

function wentHome({ runs, active, home }: FailbackFacts): KeptPromise {
  const { run, report } = runs.failback;
  return {
    promise: `the application goes home to ${home}`,
    held: run.status === "completed" && active === home && report?.comparison?.equal === true,
    detail: `run ${run.id} ended ${run.status}; it runs at ${active}`,
  };
}

function nothingLost({ lost, kept, acknowledged }: FailbackFacts): KeptPromise {
  const before = new Set(lost.missing.map((write) => write.key));
  const added = kept.missing.filter((write) => !before.has(write.key));
  return {
    promise: "the way home loses nothing",
    held:
      added.length === 0 &&
      kept.errors + kept.notChecked === 0 &&
      kept.checked === acknowledged &&
      kept.missing.length === kept.missingTotal,
    detail: `${kept.checked} of ${acknowledged} acknowledged writes read back at home, ${added.length} newly missing`,
  };
}

function shortPause(facts: FailbackFacts): KeptPromise {
  const ms = pauseMs(facts);
  return {
    promise: `writes pause for less than ${PAUSE_MAX_MS} ms, and never run at both sites`,
    held: ms !== null && ms >= 0 && ms < PAUSE_MAX_MS,
    detail:
      ms === null
        ? "not both sites acknowledged a write"
        : `${Math.round(ms)} ms between the last acknowledgement away and the first at home`,
  };
}

function protectedAgain({ protection, away }: FailbackFacts): KeptPromise {
  return {
    promise: `${away} stands by again: the application is protected`,
    held: protection.yes,
    detail: protection.why,
  };
}

function pauseMs({ pause }: FailbackFacts): number | null {
  return pause === null ? null : pause.firstHomeAtMs - pause.lastAwayAtMs;
}

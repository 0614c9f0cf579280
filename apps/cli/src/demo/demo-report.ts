/**
 * The report of the main job: what was promised, what was measured, whether both agree.
 *
 * Two parties count losses independently: the client, by reading back every write it was promised,
 * and the loss report, from the old primary's own log. This file compares them; it trusts neither.
 */
import type {
  DurabilityMode,
  FenceDegree,
  LossReport,
  ObjectsReport,
  RtoPhases,
} from "@cloudphoenix/core";
import type { OrderCensus } from "@cloudphoenix/sandbox";

/** What the client load saw. Times are epoch milliseconds. */
export interface ClientView {
  readonly acknowledged: number;
  /** Attempts that failed; the client retries them with the same key. */
  readonly failedAttempts: number;
  /** When the first and the last of them ended; null if there was none. */
  readonly failedFirstAtMs: number | null;
  readonly failedLastAtMs: number | null;
  /** Failed attempts by reason. */
  readonly failures: Readonly<Record<string, number>>;
  /** Writes never acknowledged although retried until the limit. */
  readonly givenUp: number;
  /** Last write acknowledged by the site that was lost. */
  readonly lastOnOldSiteAtMs: number | null;
  /** First write acknowledged by the other site after the fault. */
  readonly firstOnNewSiteAtMs: number | null;
  readonly readBack: {
    readonly checked: number;
    readonly errors: number;
    /** Failed reads by reason. */
    readonly failures: Readonly<Record<string, number>>;
    /** Acknowledged writes that the new site does not have. */
    readonly missing: readonly { readonly key: string; readonly orderId: string }[];
    /** All of them; more than `missing` has if not each could be listed. */
    readonly missingTotal: number;
  };
}

/** When clients may see errors, epoch milliseconds. */
interface ErrorWindow {
  readonly faultAtMs: number;
  /** Traffic had converged; null if nobody saw that. */
  readonly convergedAtMs: number | null;
  /** How long a resolver may keep the old answer after that. */
  readonly ttlMs: number;
  /**
   * How long the new site may be busy with what had waited. An idle machine needs little; one that is
   * busy with other things loses attempts to their limit meanwhile.
   */
  readonly catchUpMs: number;
  /** How long an attempt that began inside may take to fail. */
  readonly attemptTimeoutMs: number;
}

/** Orders as the new site has them once its workers had time to catch up. */
export type OrdersView = Omit<OrderCensus, "doubled">;

/** Objects as the new site has them once nothing was on its way any more. */
export interface ObjectsView {
  /** Rows that say their object is stored. */
  readonly acknowledged: number;
  readonly present: number;
  /** Keys of rows whose object is not there in the end. */
  readonly missing: readonly string[];
  /** Objects that were missing after the move and came, or were made again. */
  readonly late: number;
  /** What the run itself reported; null if it did not settle them. */
  readonly reported: ObjectsReport | null;
}

/** Everything the report is made from. */
export interface DemoFacts {
  readonly fault: string;
  readonly from: string;
  readonly to: string;
  readonly durability: DurabilityMode;
  readonly linkDelayMs: number;
  readonly writesPerSecond: number;
  readonly rtoObjectiveMs: number;
  readonly run: {
    readonly id: string;
    readonly status: string;
    readonly fence: FenceDegree | null;
  };
  readonly phases: RtoPhases | null;
  readonly errorWindow: ErrorWindow;
  readonly client: ClientView;
  readonly orders: OrdersView;
  /** Null where the application has none. */
  readonly objects: ObjectsView | null;
  /** Read from the returned old primary; null if it could not be read. */
  readonly loss: LossReport | null;
  readonly parts: readonly {
    readonly part: string;
    readonly kind: "real" | "stand-in" | "emulated";
  }[];
}

interface KeptPromise {
  readonly promise: string;
  readonly held: boolean;
  readonly detail: string;
}

/** The report as `--json` prints it. Field names are a contract. */
export interface DemoReport {
  readonly fault: string;
  readonly from: string;
  readonly to: string;
  readonly durability: DurabilityMode;
  readonly link_delay_ms: number;
  readonly writes_per_second: number;
  readonly run: DemoFacts["run"];
  readonly rto_ms: RtoPhases | null;
  readonly rpo_ms: number | null;
  readonly writes_acknowledged: number;
  readonly writes_lost: number;
  readonly writes_lost_keys: readonly string[];
  readonly orders_placed: number;
  readonly orders_fulfilled: number;
  readonly orders_set_aside: number;
  readonly orders_doubled: number;
  /** Fulfilled at the old site, too, which nobody knew at the new one; their parcels are the same. */
  readonly fulfilments_repeated: number | null;
  /** Null where the application has no objects, as the four others. */
  readonly objects_acknowledged: number | null;
  readonly objects_present: number | null;
  readonly objects_missing: number | null;
  readonly objects_late: number | null;
  /** Upper bound of what the copy of the objects was behind at the move; null if unknown. */
  readonly objects_rpo_ms: number | null;
  readonly requests_failed: number;
  readonly writes_given_up: number;
  readonly loss_report: LossReport | null;
  readonly parts: DemoFacts["parts"];
  readonly promises: readonly KeptPromise[];
  readonly ok: boolean;
}

/** Table whose inserted rows are the client's writes. */
const ORDERS_TABLE = "public.orders";
/** Its rows have the key of their order. */
const FULFILMENTS_TABLE = "public.fulfilments";
const KEYS_SHOWN_MAX = 1_000;

/** Builds the report and judges every promise. Pure. */
export function demoReport(facts: DemoFacts): DemoReport {
  const promises = judge(facts);
  const { client } = facts;
  return {
    fault: facts.fault,
    from: facts.from,
    to: facts.to,
    durability: facts.durability,
    link_delay_ms: facts.linkDelayMs,
    writes_per_second: facts.writesPerSecond,
    run: facts.run,
    rto_ms: facts.phases,
    rpo_ms: facts.loss?.rpoMs ?? null,
    writes_acknowledged: client.acknowledged,
    writes_lost: client.readBack.missingTotal,
    writes_lost_keys: client.readBack.missing.slice(0, KEYS_SHOWN_MAX).map((lost) => lost.key),
    orders_placed: facts.orders.orders,
    orders_fulfilled: facts.orders.fulfilled,
    orders_set_aside: facts.orders.setAside,
    orders_doubled: facts.orders.doubledTotal,
    fulfilments_repeated: repeatedFulfilments(facts.loss),
    objects_acknowledged: facts.objects?.acknowledged ?? null,
    objects_present: facts.objects?.present ?? null,
    objects_missing: facts.objects?.missing.length ?? null,
    objects_late: facts.objects?.late ?? null,
    objects_rpo_ms: facts.objects?.reported?.boundMs ?? null,
    requests_failed: client.failedAttempts,
    writes_given_up: client.givenUp,
    loss_report: facts.loss,
    parts: facts.parts,
    promises,
    ok: promises.every((promise) => promise.held),
  };
}

function judge(facts: DemoFacts): readonly KeptPromise[] {
  const { client } = facts;
  return [
    runCompleted(facts),
    recoveredInTime(facts),
    errorsInsideWindow(facts),
    nothingGivenUp(client.givenUp),
    everyWriteReadBack(facts),
    lossAsPromised(facts),
    lossReportAgrees(facts),
    oneWriter(facts),
    ordersOnce(facts.orders),
    ...objectsThere(facts.objects),
  ];
}

/** Every order that exists is worked on to its end, and no retry has made a second one. */
export function ordersOnce(orders: OrdersView): KeptPromise {
  const { fulfilled, waiting, setAside, doubledTotal, complete } = orders;
  return {
    promise: "every order is fulfilled, and none exists twice",
    held: complete && orders.orders > 0 && fulfilled === orders.orders && doubledTotal === 0,
    detail: `${orders.orders} orders: ${fulfilled} fulfilled, ${waiting} waiting, ${setAside} set aside, ${doubledTotal} doubled${complete ? "" : "; not all could be listed"}`,
  };
}

/** Every receipt that was promised is there in the end, copied in time or made again. */
export function objectsThere(objects: ObjectsView | null): readonly KeptPromise[] {
  if (objects === null) return [];
  const { acknowledged, present, missing, late, reported } = objects;
  const examples = missing.length === 0 ? "" : ` (${missing.slice(0, 3).join(", ")})`;
  return [
    {
      promise: "every object that a row points to is at the new site",
      held: acknowledged > 0 && missing.length === 0 && reported !== null,
      detail: `${present} of ${acknowledged} there, ${late} of them late, ${missing.length} missing${examples}${reported === null ? "; the run did not settle them" : ""}`,
    },
  ];
}

/** Orders lost with their fulfilment are not there to be fulfilled again. */
function repeatedFulfilments(loss: LossReport | null): number | null {
  if (loss === null) return null;
  const gone = new Set(loss.keysByTable[ORDERS_TABLE] ?? []);
  return (loss.keysByTable[FULFILMENTS_TABLE] ?? []).filter((id) => !gone.has(id)).length;
}

function runCompleted({ run, from, to }: DemoFacts): KeptPromise {
  return {
    promise: `the application moves from ${from} to ${to} by itself`,
    held: run.status === "completed",
    detail: `run ${run.id} ended ${run.status}; the old writer was fenced: ${run.fence ?? "no"}`,
  };
}

function recoveredInTime({ phases, rtoObjectiveMs }: DemoFacts): KeptPromise {
  return {
    promise: `writable again within ${rtoObjectiveMs} ms of the fault`,
    held: phases !== null && phases.total <= rtoObjectiveMs,
    detail:
      phases === null
        ? "no write was acknowledged after the fault"
        : `first acknowledged write after ${Math.round(phases.total)} ms`,
  };
}

function everyWriteReadBack({ client, to }: DemoFacts): KeptPromise {
  const { checked, errors, failures } = client.readBack;
  return {
    promise: "every acknowledged write is read back from the new site",
    held: checked === client.acknowledged && errors === 0 && checked > 0,
    detail: `${checked} of ${client.acknowledged} asked at ${to}, ${errors} could not be asked${errors === 0 ? "" : ` (${reasonsText(failures)})`}`,
  };
}

function reasonsText(failures: Readonly<Record<string, number>>): string {
  return Object.entries(failures)
    .map(([reason, count]) => `${count} × ${reason}`)
    .join(", ");
}

/** An attempt that began inside may fail as late as its own limit. */
function errorsInsideWindow({ client, errorWindow }: DemoFacts): KeptPromise {
  const { faultAtMs, convergedAtMs, ttlMs, catchUpMs, attemptTimeoutMs } = errorWindow;
  const { failedFirstAtMs: first, failedLastAtMs: last, failedAttempts } = client;
  const promise = "clients saw errors only inside the failover window";
  if (convergedAtMs === null) {
    return { promise, held: false, detail: "nobody saw traffic converge" };
  }
  if (first === null || last === null) {
    return { promise, held: failedAttempts === 0, detail: "no attempt failed" };
  }
  const endMs = convergedAtMs + ttlMs + catchUpMs + attemptTimeoutMs;
  const after = (ms: number): string => `${Math.round(ms - faultAtMs)} ms`;
  return {
    promise,
    held: first >= faultAtMs && last <= endMs,
    detail: `${failedAttempts} failed attempts (${reasonsText(client.failures)}), the first ${after(first)} and the last ${after(last)} after the fault; the window ends after ${after(endMs)}: convergence, TTL, catching up, one attempt`,
  };
}

/** Every write was acknowledged in the end. */
export function nothingGivenUp(givenUp: number): KeptPromise {
  return {
    promise: "no client had to give a write up",
    held: givenUp === 0,
    detail: `${givenUp} writes were retried to their limit and never acknowledged`,
  };
}

function lossAsPromised({ durability, client, loss }: DemoFacts): KeptPromise {
  const { missing, missingTotal } = client.readBack;
  if (durability !== "async") {
    return {
      promise: `no acknowledged write is lost in ${durability} mode`,
      held: missingTotal === 0,
      detail: `${missingTotal} lost`,
    };
  }
  const named = loss?.keysByTable[ORDERS_TABLE]?.length ?? 0;
  return {
    promise: "what is lost in async mode is counted and named",
    held:
      loss !== null &&
      missing.length === missingTotal &&
      missingTotal <= KEYS_SHOWN_MAX &&
      missingTotal <= named,
    detail: `${missingTotal} acknowledged writes lost, ${Math.min(missing.length, KEYS_SHOWN_MAX)} named by the client; the old primary names ${named} orders`,
  };
}

/**
 * Neither side knows all: the log has orders whose answer never arrived, and each of those made an
 * attempt of a client fail. More of them than failed attempts are writes that the clients missed
 * without saying so.
 */
function lossReportAgrees({ client, loss }: DemoFacts): KeptPromise {
  const promise = "the loss report, from the old primary's log, names every write the client lost";
  if (loss === null) return { promise, held: false, detail: "the old primary could not be read" };
  const named = new Set(loss.keysByTable[ORDERS_TABLE] ?? []);
  const unnamed = client.readBack.missing.filter((lost) => !named.has(lost.orderId));
  const unacknowledged = named.size - (client.readBack.missing.length - unnamed.length);
  return {
    promise,
    held: unnamed.length === 0 && unacknowledged <= client.failedAttempts && !loss.truncated,
    detail: `log: ${named.size} orders lost, ${named.size - unacknowledged} of them acknowledged; client: ${client.readBack.missing.length} lost`,
  };
}

function oneWriter({ client, from, to }: DemoFacts): KeptPromise {
  const { lastOnOldSiteAtMs: last, firstOnNewSiteAtMs: first } = client;
  const gapMs = last === null || first === null ? null : first - last;
  return {
    promise: "never two sites accepting writes at once",
    held: gapMs !== null && gapMs >= 0,
    detail:
      gapMs === null
        ? "not both sites acknowledged a write"
        : `${Math.round(gapMs)} ms between the last write at ${from} and the first at ${to}`,
  };
}

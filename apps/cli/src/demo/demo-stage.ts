/** What every story of the demo stands on, and how it follows runs. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  buildReport,
  CloudPhoenixError,
  FINAL_RUN_STATUSES,
  type RunRecord,
} from "@cloudphoenix/core";
import type { ObjectCensus, OrderCensus, World } from "@cloudphoenix/sandbox";
import type { ApiClient } from "../api-client.ts";
import { startedRun } from "../follow-run.ts";
import { clockText } from "../render/duration-text.ts";
import { eventLines, type RunView } from "../render/run-text.ts";
import type { Terminal } from "../terminal.ts";
import type { DemoReport, ObjectsView } from "./demo-report.ts";

export interface DemoStage {
  readonly world: World;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** Load before a fault, so that there is something to lose. */
export const WARM_UP_MS = 4_000;
/** Load after a run has ended, so that clients are seen to work again. */
export const COOL_DOWN_MS = 2_000;
/** A decision takes seconds; a minute without one is an answer too. */
const RUN_STARTS_WITHIN_MS = 60_000;
const RUN_ENDS_WITHIN_MS = 120_000;
/** Workers have a backlog after an outage, and back off. */
const SETTLE_WITHIN_MS = 30_000;
const POLL_MS = 100;

/** Every result says what was real. */
export const PARTS: DemoReport["parts"] = [
  { part: "PostgreSQL with logical replication", kind: "real" },
  { part: "orders and fulfilment services", kind: "real" },
  { part: "DNS with RFC 2136 updates", kind: "real" },
  { part: "worker that copies objects", kind: "real" },
  { part: "Blob storage (Azurite)", kind: "emulated" },
  { part: "Event Grid for Blob storage", kind: "emulated" },
  { part: "S3 and its event queue", kind: "stand-in" },
  { part: "controller, agents, durable runs", kind: "real" },
  { part: "wide area links", kind: "emulated" },
  { part: "platform API and load balancer", kind: "stand-in" },
];

/** One line of progress with the time of day. */
export function say({ terminal }: Pick<DemoStage, "terminal">, text: string): void {
  terminal.progress(`${clockText(Date.now())}  ${text}`);
}

/**
 * Follows the first run that began after `sinceMs` and is no heal, printing its journal as it grows.
 * @throws {CloudPhoenixError} `TIMED_OUT` if none begins within a minute
 */
export async function followMove(
  stage: DemoStage,
  api: ApiClient,
  sinceMs: number,
): Promise<RunView> {
  const startBy = Date.now() + RUN_STARTS_WITHIN_MS;
  for (;;) {
    stage.signal.throwIfAborted();
    const { runs } = await api.send<{ runs: RunRecord[] }>("/v1/runs?limit=5");
    const run = runs.find((one) => one.startedAtMs >= sinceMs && one.plan.kind !== "heal");
    if (run !== undefined) return followToEnd(stage, api, run.id);
    if (Date.now() > startBy) throw await noMove(api);
    await sleep(POLL_MS, undefined, { signal: stage.signal });
  }
}

/** Follows a run, printing its journal as it grows, until it has ended or waits for a person. */
export async function followToEnd(
  { terminal, signal }: DemoStage,
  api: ApiClient,
  id: string,
): Promise<RunView> {
  const endBy = Date.now() + RUN_ENDS_WITHIN_MS;
  let printed = 0;
  for (;;) {
    signal.throwIfAborted();
    const view = await startedRun(api, id, signal);
    for (const line of eventLines(view.events.slice(printed))) terminal.progress(`  ${line}`);
    printed = view.events.length;
    const { status } = view.run;
    if (FINAL_RUN_STATUSES.includes(status) || status === "needs-attention") return view;
    if (Date.now() > endBy) return view;
    await sleep(POLL_MS, undefined, { signal });
  }
}

/**
 * Asks until the answer is one that `wanted` takes.
 * @throws {CloudPhoenixError} `TIMED_OUT` with the last answer
 */
export async function until<T>(
  { signal }: Pick<DemoStage, "signal">,
  { what, limitMs }: { readonly what: string; readonly limitMs: number },
  ask: () => Promise<T>,
  wanted: (answer: T) => boolean,
): Promise<T> {
  const endBy = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (Date.now() > endBy) {
      const last = JSON.stringify(answer).slice(0, 500);
      throw new CloudPhoenixError("TIMED_OUT", `${what} did not happen; last seen: ${last}`, {
        retryable: true,
      });
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** The orders of the load once all are fulfilled, or as they are when the time for that is over. */
export async function settledOrders({ world, signal }: DemoStage): Promise<OrderCensus> {
  const endBy = Date.now() + SETTLE_WITHIN_MS;
  for (;;) {
    const census = await world.load.census();
    if ((census.complete && census.waiting === 0) || Date.now() > endBy) return census;
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** The objects of the active site, first as they are now, then once no row points to nothing. */
export async function settledObjects({
  world,
  signal,
}: DemoStage): Promise<{ readonly first: ObjectCensus; readonly last: ObjectCensus } | null> {
  if (!world.hasObjects) return null;
  const endBy = Date.now() + SETTLE_WITHIN_MS;
  const first = await world.objectCensus(signal);
  let last = first;
  while (last.missing.length > 0 && Date.now() < endBy) {
    await sleep(POLL_MS, undefined, { signal });
    last = await world.objectCensus(signal);
  }
  return { first, last };
}

/** What the census saw, beside what the report of the run said right after the move. */
export function objectsView(
  seen: Awaited<ReturnType<typeof settledObjects>>,
  run: RunRecord,
): ObjectsView | null {
  if (seen === null) return null;
  const reported = buildReport(run).objects;
  return {
    acknowledged: seen.last.acknowledged,
    present: seen.last.present,
    missing: seen.last.missing,
    late: new Set([...(reported?.missingKeys ?? []), ...seen.first.missing]).size,
    reported,
  };
}

async function noMove(api: ApiClient): Promise<CloudPhoenixError> {
  const { text } = await api.send<{ text: string }>("/v1/explain");
  return new CloudPhoenixError("TIMED_OUT", `no move was decided within a minute:\n${text}`, {
    retryable: true,
  });
}

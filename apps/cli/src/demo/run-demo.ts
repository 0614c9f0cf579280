/**
 * The main job, start to end: two sites, client load, a disaster, the failover CloudPhoenix decides
 * on, everything read back, the loss read from the old primary, the report.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  buildReport,
  CloudPhoenixError,
  type DurabilityMode,
  FINAL_RUN_STATUSES,
  hasCode,
  type LossReport,
  messageOf,
  phaseTimes,
  rtoPhases,
  type RunRecord,
} from "@cloudphoenix/core";
import type { FaultName, LoadCounts, World } from "@cloudphoenix/sandbox";
import type { ApiClient } from "../api-client.ts";
import { connectTo } from "../connection.ts";
import { clockText } from "../render/duration-text.ts";
import { eventLines, type RunView } from "../render/run-text.ts";
import type { Terminal } from "../terminal.ts";
import { type ClientView, type DemoReport, demoReport } from "./demo-report.ts";

export interface DemoOptions {
  readonly fault: FaultName;
  readonly durability: DurabilityMode;
  readonly linkDelayMs: number;
  readonly writesPerSecond: number;
}

export interface DemoStage {
  readonly world: World;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** Load before the fault, so that there is something to lose. */
const WARM_UP_MS = 4_000;
/** Load after the run has ended, so that clients are seen to work again. */
const COOL_DOWN_MS = 2_000;
/** A decision takes seconds; a minute without one is an answer too. */
const RUN_STARTS_WITHIN_MS = 60_000;
const RUN_ENDS_WITHIN_MS = 120_000;
const POLL_MS = 100;

/** Runs the whole story on an open world and answers with the report. */
export async function runDemo(stage: DemoStage, options: DemoOptions): Promise<DemoReport> {
  const { world, terminal, signal } = stage;
  const api = await connectTo(world.urls.controllers, world.apiTokenFile);
  const from = (await world.status()).active;
  const { load } = world;
  say(terminal, `clients write ${options.writesPerSecond} orders/s to ${from}`);
  await load.start();
  await sleep(WARM_UP_MS, undefined, { signal });
  const before = load.counts;
  say(
    terminal,
    `${before?.acknowledged ?? 0} orders acknowledged so far; now: ${options.fault} at ${from}`,
  );
  const { atMs: faultAtMs } = await world.breakIt(options.fault);
  const view = await followFailover(stage, api, faultAtMs);
  await sleep(COOL_DOWN_MS, undefined, { signal });
  say(terminal, "stopping the clients and reading every acknowledged order back …");
  const counts = await load.stop();
  if (counts === null) throw new RangeError("the client load has said nothing");
  const client = await readBack(world, counts, { from, faultAtMs });
  say(terminal, `bringing ${from} back, read-only, to read its log …`);
  await world.mend(options.fault);
  const loss = await measureLoss(stage, api, view.run.id);
  return assemble(options, { from, faultAtMs, view, client, loss });
}

/** Follows the move that the fault leads to, printing its journal as it grows. */
async function followFailover(
  { terminal, signal }: DemoStage,
  api: ApiClient,
  faultAtMs: number,
): Promise<RunView> {
  const startBy = Date.now() + RUN_STARTS_WITHIN_MS;
  const endBy = startBy + RUN_ENDS_WITHIN_MS;
  let printed = 0;
  let run: RunRecord | undefined;
  for (;;) {
    signal.throwIfAborted();
    run ??= await moveSince(api, faultAtMs);
    if (run === undefined && Date.now() > startBy) throw await noMove(api);
    if (run !== undefined) {
      const view = await api.send<RunView>(`/v1/runs/${run.id}`);
      for (const line of eventLines(view.events.slice(printed))) terminal.progress(`  ${line}`);
      printed = view.events.length;
      if (FINAL_RUN_STATUSES.includes(view.run.status) || Date.now() > endBy) return view;
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

async function moveSince(api: ApiClient, sinceMs: number): Promise<RunRecord | undefined> {
  const { runs } = await api.send<{ runs: RunRecord[] }>("/v1/runs?limit=5");
  return runs.find((run) => run.startedAtMs >= sinceMs && run.plan.kind !== "heal");
}

async function noMove(api: ApiClient): Promise<CloudPhoenixError> {
  const { text } = await api.send<{ text: string }>("/v1/explain");
  return new CloudPhoenixError("TIMED_OUT", `no move was decided within a minute:\n${text}`, {
    retryable: true,
  });
}

/** Reads all writes back and sums up what the client saw. */
async function readBack(
  { load }: World,
  counts: LoadCounts,
  { from, faultAtMs }: { readonly from: string; readonly faultAtMs: number },
): Promise<ClientView> {
  const result = await load.readback();
  const onOld = counts.epochs.filter((epoch) => epoch.site === from);
  const onNew = counts.epochs.filter(
    (epoch) => epoch.site !== from && epoch.firstAckedAtMs >= faultAtMs,
  );
  return {
    acknowledged: counts.acknowledged,
    failedAttempts: counts.failedAttempts,
    givenUp: counts.givenUp,
    lastOnOldSiteAtMs:
      onOld.length === 0 ? null : Math.max(...onOld.map((one) => one.lastAckedAtMs)),
    firstOnNewSiteAtMs:
      onNew.length === 0 ? null : Math.min(...onNew.map((one) => one.firstAckedAtMs)),
    readBack: {
      checked: result.checked,
      errors: result.errors + result.notChecked,
      missing: result.missing,
    },
  };
}

/** The exact loss from the old primary's log; null if it cannot be read. */
async function measureLoss(
  { terminal, signal }: DemoStage,
  api: ApiClient,
  runId: string,
): Promise<LossReport | null> {
  const until = Date.now() + 20_000;
  for (;;) {
    try {
      return await api.send<LossReport>(`/v1/runs/${runId}/loss`, {
        method: "POST",
        body: { by: "demo" },
        timeoutMs: 60_000,
      });
    } catch (error) {
      if (!hasCode(error, "UNREACHABLE") || Date.now() > until) {
        terminal.log("error", `the old primary's log could not be read: ${messageOf(error)}`);
        return null;
      }
      await sleep(POLL_MS, undefined, { signal });
    }
  }
}

function assemble(
  options: DemoOptions,
  seen: {
    readonly from: string;
    readonly faultAtMs: number;
    readonly view: RunView;
    readonly client: ClientView;
    readonly loss: LossReport | null;
  },
): DemoReport {
  const { run, detectedAtMs } = seen.view;
  const firstWriteAtMs = seen.client.firstOnNewSiteAtMs;
  const phases =
    firstWriteAtMs === null
      ? null
      : rtoPhases({ faultAtMs: seen.faultAtMs, detectedAtMs, ...phaseTimes(run), firstWriteAtMs });
  return demoReport({
    ...options,
    from: seen.from,
    to: run.plan.to,
    rtoObjectiveMs: RTO_OBJECTIVE_MS,
    run: { id: run.id, status: run.status, fence: buildReport(run).fence?.degree ?? null },
    phases,
    client: seen.client,
    loss: seen.loss,
    parts: PARTS,
  });
}

/** What the sandbox promises on a laptop with probes every second. */
const RTO_OBJECTIVE_MS = 10_000;

/** Every result says what was real. */
const PARTS: DemoReport["parts"] = [
  { part: "PostgreSQL with logical replication", kind: "real" },
  { part: "orders service", kind: "real" },
  { part: "DNS with RFC 2136 updates", kind: "real" },
  { part: "controller, agents, durable runs", kind: "real" },
  { part: "wide area links", kind: "emulated" },
  { part: "platform API and load balancer", kind: "stand-in" },
];

function say(terminal: Terminal, text: string): void {
  terminal.progress(`${clockText(Date.now())}  ${text}`);
}

/**
 * The main job, start to end: two sites, client load, a disaster, the failover CloudPhoenix decides
 * on, everything read back, the loss read from the old primary, the report.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  buildReport,
  type DurabilityMode,
  hasCode,
  type LossReport,
  messageOf,
  phaseTimes,
  rtoPhases,
} from "@cloudphoenix/core";
import type { FaultName, LoadCounts, OrderCensus, World } from "@cloudphoenix/sandbox";
import type { ApiClient } from "../api-client.ts";
import { connectTo } from "../connection.ts";
import type { RunView } from "../render/run-text.ts";
import { type ClientView, type DemoReport, demoReport } from "./demo-report.ts";
import {
  COOL_DOWN_MS,
  type DemoStage,
  followMove,
  objectsView,
  PARTS,
  say,
  settledObjects,
  settledOrders,
  WARM_UP_MS,
} from "./demo-stage.ts";

export interface DemoOptions {
  readonly fault: FaultName;
  readonly durability: DurabilityMode;
  readonly linkDelayMs: number;
  readonly writesPerSecond: number;
}

const POLL_MS = 100;

/** Runs the whole story on an open world and answers with the report. */
export async function runDemo(stage: DemoStage, options: DemoOptions): Promise<DemoReport> {
  const { world, signal } = stage;
  const api = await connectTo(world.urls.controllers, world.apiTokenFile);
  const from = (await world.status()).active;
  const { load } = world;
  say(stage, `clients write ${options.writesPerSecond} orders/s to ${from}`);
  await load.start();
  await sleep(WARM_UP_MS, undefined, { signal });
  const before = load.counts;
  say(
    stage,
    `${before?.acknowledged ?? 0} orders acknowledged so far; now: ${options.fault} at ${from}`,
  );
  const { atMs: faultAtMs } = await world.breakIt(options.fault);
  const view = await followMove(stage, api, faultAtMs);
  await sleep(COOL_DOWN_MS, undefined, { signal });
  say(stage, "stopping the clients and reading every acknowledged order back …");
  const counts = await load.stop();
  const objects = await settledObjects(stage);
  if (counts === null) throw new RangeError("the client load has said nothing");
  const client = await readBack(world, counts, { from, faultAtMs });
  const orders = await settledOrders(stage);
  say(stage, `bringing ${from} back, read-only, to read its log …`);
  await world.mend(options.fault);
  const loss = await measureLoss(stage, api, view.run.id);
  return assemble(options, { from, faultAtMs, view, client, orders, objects, loss });
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
    failedFirstAtMs: counts.failedFirstAtMs,
    failedLastAtMs: counts.failedLastAtMs,
    failures: counts.failures,
    givenUp: counts.givenUp,
    lastOnOldSiteAtMs:
      onOld.length === 0 ? null : Math.max(...onOld.map((one) => one.lastAckedAtMs)),
    firstOnNewSiteAtMs:
      onNew.length === 0 ? null : Math.min(...onNew.map((one) => one.firstAckedAtMs)),
    readBack: {
      checked: result.checked,
      errors: result.errors + result.notChecked,
      failures: result.failures,
      missing: result.missing,
      missingTotal: result.missingTotal,
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
    readonly orders: OrderCensus;
    readonly objects: Awaited<ReturnType<typeof settledObjects>>;
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
    errorWindow: {
      faultAtMs: seen.faultAtMs,
      convergedAtMs: convergedAtMs(run),
      ttlMs: TTL_MS,
      catchUpMs: CATCH_UP_TIMES * (phases?.total ?? 0),
      attemptTimeoutMs: ATTEMPT_TIMEOUT_MS,
    },
    client: seen.client,
    orders: seen.orders,
    objects: objectsView(seen.objects, run),
    loss: seen.loss,
    parts: PARTS,
  });
}

/** When a vantage outside had seen users arrive at the new site; null if none did. */
function convergedAtMs({ plan, steps }: RunView["run"]): number | null {
  const looking = plan.steps.find((step) => step.action.kind === "verify-convergence");
  const record = steps.find((step) => step.id === looking?.id && step.status === "done");
  return record?.endedAtMs ?? null;
}

/** The sandbox's record, and the load's patience with one attempt. */
const TTL_MS = 1_000;
const ATTEMPT_TIMEOUT_MS = 1_000;
/** A site that can take a quarter more than what arrives needs four times as long as nobody could write. */
const CATCH_UP_TIMES = 4;

/** What the sandbox promises on a laptop with probes every second. */
const RTO_OBJECTIVE_MS = 10_000;

/**
 * The whole circle under load: a region is lost and the application fails over with a loss; the old
 * primary returns and is quarantined; what it alone holds is kept and written back; it is repaired by
 * key and follows; the application goes home with nothing lost.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { hasCode, type RunRecord } from "@cloudphoenix/core";
import type { LoadCounts } from "@cloudphoenix/sandbox";
import type { ApiClient } from "../api-client.ts";
import { connectTo } from "../connection.ts";
import { exportQuarantine } from "../export-quarantine.ts";
import type {
  DivergentRowDocument,
  QuarantineDocument,
  ReapplyDocument,
} from "../render/quarantine-text.ts";
import type { RunView } from "../render/run-text.ts";
import type { StatusDocument } from "../render/status-text.ts";
import { aloneAtHome, namedAlone, type SitePair, wayHome } from "./circle-objects.ts";
import {
  COOL_DOWN_MS,
  type DemoStage,
  followMove,
  followToEnd,
  objectsView,
  PARTS,
  say,
  settledObjects,
  settledOrders,
  until,
  WARM_UP_MS,
} from "./demo-stage.ts";
import { type FailbackFacts, type FailbackReport, failbackReport } from "./failback-report.ts";
import type { DemoOptions } from "./run-demo.ts";

/** How long the standby hears nothing before the region is lost: far less than the objective allows to lose. */
const UNHEARD_MS = 500;
const RETURNS_WITHIN_MS = 60_000;
const PROTECTED_WITHIN_MS = 120_000;
const ORDERS_TABLE = "public.orders";

/** Runs the circle on an open world and answers with the report. */
export async function runFailbackDemo(
  stage: DemoStage,
  options: DemoOptions,
): Promise<FailbackReport> {
  const { world, signal } = stage;
  const api = await connectTo(world.urls.controllers, world.apiTokenFile);
  const home = (await world.status()).active;
  say(stage, `clients write ${options.writesPerSecond} orders/s to ${home}, all the time`);
  await world.load.start();
  await sleep(WARM_UP_MS, undefined, { signal });

  await loseTheLink(stage, options);
  say(stage, `${options.fault} at ${home}`);
  const { atMs: faultAtMs } = await world.breakIt(options.fault);
  const failover = await followMove(stage, api, faultAtMs);
  await sleep(COOL_DOWN_MS, undefined, { signal });
  say(stage, "asking for every order the clients were promised …");
  const lost = await world.load.readback();

  say(stage, `${lost.missingTotal} are lost; now ${home} comes back`);
  await world.mend();
  const quarantine = await quarantined(stage, api, home);
  const sites = { home, away: failover.run.plan.to };
  const salvage = await salvageOf(stage, api, sites);
  const rejoin = await order(stage, api, { kind: "rejoin", target: home });
  await standsBy(stage, api);
  const homeward = await wayHome(stage, sites);
  const failback = await order(stage, api, { kind: "failback" });
  await sleep(COOL_DOWN_MS, undefined, { signal });
  const status = await protectedAgain(stage, api);

  say(stage, "stopping the clients and reading every order back …");
  const counts = await world.load.stop();
  if (counts === null) throw new RangeError("the client load has said nothing");
  const kept = await world.load.readback();
  const orders = await settledOrders(stage);
  const objects = await settledObjects(stage);
  return failbackReport({
    ...options,
    ...sites,
    runs: { failover, rejoin, failback },
    quarantine,
    salvage,
    lost,
    kept,
    orders,
    objects: objectsView(objects, failback.run),
    wayHome: homeward,
    acknowledged: counts.acknowledged,
    givenUp: counts.givenUp,
    pause: pauseOf(counts, sites),
    active: status.active,
    protection: status.protected,
    parts: PARTS,
  });
}

/** Without it the standby has almost everything, and there would be nothing to salvage. */
async function loseTheLink(stage: DemoStage, options: DemoOptions): Promise<void> {
  if (options.durability !== "async") return;
  say(stage, `the link over which the standby follows breaks, ${UNHEARD_MS} ms earlier`);
  await stage.world.breakIt("replication-stall");
  await sleep(UNHEARD_MS, undefined, { signal: stage.signal });
}

/** Waits until the returned site is shut and what it alone holds is known. */
async function quarantined(
  stage: DemoStage,
  api: ApiClient,
  site: string,
): Promise<QuarantineDocument> {
  const { quarantines } = await until(
    stage,
    { what: `the quarantine of ${site}`, limitMs: RETURNS_WITHIN_MS },
    () => api.send<{ quarantines: QuarantineDocument[] }>("/v1/quarantine"),
    (answer) => answer.quarantines.some((one) => one.site === site && one.divergence !== null),
  );
  const found = quarantines.find((one) => one.site === site);
  if (found === undefined) throw new RangeError(`${site} is not quarantined`);
  const { transactions = 0 } = found.divergence ?? {};
  say(stage, `${site} is quarantined: ${transactions} transactions exist only there`);
  return found;
}

/** Keeps the lost writes in a file, then writes them to the current writer. */
async function salvageOf(
  stage: DemoStage,
  api: ApiClient,
  sites: SitePair,
): Promise<FailbackFacts["salvage"]> {
  const site = sites.home;
  const before = await aloneAtHome(stage, sites);
  const file = join(stage.world.home, "salvage.jsonl");
  const wish = { site, file, force: false, by: "demo" };
  const { rows, objects, trouble } = await exportQuarantine(api, wish, stage.signal);
  const named = objects === null ? null : namedAlone(objects.file);
  const after = await aloneAtHome(stage, sites);
  const orderIds = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .flatMap((line) => insertedOrder(line));
  const reapplied = await api.send<ReapplyDocument>(`/v1/quarantine/${site}/reapply`, {
    method: "POST",
    body: { by: "demo", reason: "the demo writes the lost orders back" },
    timeoutMs: 60_000,
  });
  const { applied, conflicting } = reapplied;
  say(stage, `${rows} changes kept in a file; ${applied} written back, ${conflicting} conflicted`);
  if (objects !== null)
    say(stage, `${objects.count} objects that ${site} has alone or otherwise are listed`);
  if (trouble !== null) say(stage, `which objects only ${site} has could not be told: ${trouble}`);
  const alone = stage.world.hasObjects ? { before, after, named, trouble } : null;
  return { orderIds, reapplied, alone };
}

function insertedOrder(line: string): readonly string[] {
  if (line === "") return [];
  const change: DivergentRowDocument = JSON.parse(line);
  const id = change.row?.["id"];
  if (change.table !== ORDERS_TABLE || change.operation !== "insert") return [];
  return typeof id === "string" ? [id] : [];
}

/** Asks for the run, again while another one (a heal) is under way, and follows it to its end. */
async function order(
  stage: DemoStage,
  api: ApiClient,
  wanted: { readonly kind: "rejoin" | "failback"; readonly target?: string },
): Promise<RunView> {
  say(stage, `${wanted.kind}, under load`);
  const limit = { what: `the start of the ${wanted.kind}`, limitMs: PROTECTED_WITHIN_MS };
  const id = await until(
    stage,
    limit,
    () => startedUnless(api, wanted),
    (started) => started !== null,
  );
  return followToEnd(stage, api, id ?? "");
}

/** Null if another run is under way. */
async function startedUnless(
  api: ApiClient,
  wanted: { readonly kind: string; readonly target?: string },
): Promise<string | null> {
  try {
    const { run } = await api.send<{ run: RunRecord }>("/v1/runs", {
      method: "POST",
      idempotencyKey: randomUUID(),
      body: { ...wanted, reason: "the demo goes the whole circle", by: "demo" },
    });
    return run.id;
  } catch (error) {
    if (hasCode(error, "ALREADY_RUNNING")) return null;
    throw error;
  }
}

/** Until nobody is quarantined any more and the standby could be moved to. */
async function standsBy(stage: DemoStage, api: ApiClient): Promise<StatusDocument> {
  return until(
    stage,
    { what: "the standby being ready", limitMs: PROTECTED_WITHIN_MS },
    () => api.send<StatusDocument>("/v1/status"),
    (status) => status.quarantined.length === 0 && status.protected.yes,
  );
}

async function protectedAgain(stage: DemoStage, api: ApiClient): Promise<StatusDocument> {
  try {
    return await standsBy(stage, api);
  } catch {
    return api.send<StatusDocument>("/v1/status");
  }
}

/** As clients saw it: the last acknowledgement away, the first at home after it. */
function pauseOf(
  { epochs }: LoadCounts,
  { home, away }: SitePair,
): { readonly lastAwayAtMs: number; readonly firstHomeAtMs: number } | null {
  const atAway = epochs.filter((epoch) => epoch.site === away);
  const lastAwayAtMs = Math.max(...atAway.map((epoch) => epoch.lastAckedAtMs));
  const generation = Math.max(...atAway.map((epoch) => epoch.generation));
  const atHome = epochs.filter((epoch) => epoch.site === home && epoch.generation > generation);
  if (atAway.length === 0 || atHome.length === 0) return null;
  return { lastAwayAtMs, firstHomeAtMs: Math.min(...atHome.map((one) => one.firstAckedAtMs)) };
}

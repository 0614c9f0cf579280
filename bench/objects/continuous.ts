/**
 * How far the continuous copy is behind under a steady load: local S3 → events → Azurite, real adapters.
 *
 *   npx node bench/objects/continuous.ts [puts per second] [seconds] [bytes]
 *
 * Lag of an object: from the answer to its put at S3 until Azurite has answered the write of its copy.
 * Load, copier, S3 server and Azurite have a process each.
 */
import { fork } from "node:child_process";
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import {
  BandwidthLimit,
  ByteBudget,
  ContinuousCopy,
  DEFAULT_SIZES,
  type ObjectStore,
  SyncState,
} from "@cloudphoenix/objects";
import { cpuMsOf } from "./cpu-of.ts";
import { startLocalPair } from "./local-pair.ts";
import type { PutLoad, PutTold } from "./put-load.ts";

const [perSecond = 200, seconds = 30, sizeBytes = 4096] = process.argv.slice(2).map(Number);
const nowMs = (): number => performance.timeOrigin + performance.now();
const clock = {
  now: () => Math.round(nowMs()),
  sleep: async (ms: number, signal?: AbortSignal): Promise<void> => {
    await wait(ms, undefined, signal === undefined ? {} : { signal });
  },
};

const pair = await startLocalPair();
const source = await pair.open("source");
const target = await pair.open("target");
const putMs = new Map<string, number>();
const copiedMs = new Map<string, number>();
const state = SyncState.open({ path: ":memory:", pair: "bench" });

/** The target, told when a write was answered. */
function watched(store: ObjectStore): ObjectStore {
  return new Proxy(store, {
    get(real, name) {
      const value: unknown = Reflect.get(real, name, real);
      if (typeof value !== "function") return value;
      if (name !== "write") return value.bind(real) as unknown;
      return async (...given: Parameters<ObjectStore["write"]>) => {
        const stored = await real.write(...given);
        if (given[0].key.startsWith("receipts/")) copiedMs.set(given[0].key, nowMs());
        return stored;
      };
    },
  });
}

const targetPlace = { store: watched(target.place.store), prefix: "" };
const copier = new ContinuousCopy({
  from: "s3",
  to: "blob",
  generation: 1,
  source: source.place,
  target: targetPlace,
  hints: source.hints,
  tools: {
    source: source.place.store,
    target: targetPlace.store,
    surroundings: { clock, random: { next: () => Math.random() } },
    retries: { attempts: 3, firstWaitMs: 100, longestWaitMs: 1_000, attemptLimitMs: 30_000 },
    journal: state.journal,
    sizes: DEFAULT_SIZES,
    memory: new ByteBudget(128 * 1024 * 1024),
    bandwidth: new BandwidthLimit(null, clock),
  },
  tombstones: state.tombstones,
  copiedVersions: {
    note: async () => undefined,
    forget: async () => undefined,
    of: async () => [],
    tidy: async () => undefined,
  },
  limits: {
    inFlight: 64,
    pendingMax: 100_000,
    canaryMs: 2_000,
    reconcileMinMs: 60_000,
    reconcileMaxMs: 3_600_000,
    deletes: { delayMs: 86_400_000, maxPercent: 5, maxCount: 1_000 },
  },
  authority: async () => undefined,
  mayReplace: () => false,
  earlier: null,
  log: (level, message) => console.log(`${level}: ${message}`),
});
const stop = new AbortController();
const running = copier.run(stop.signal).catch((error: unknown) => error);

try {
  // The first comparison, and the first canary through the queue.
  while (copier.facts().backlogAgeMs === null || copier.facts().pending > 0) await wait(100);
  await wait(3_000);
  const before = cpuNow();
  const ages: number[] = [];
  const sampler = setInterval(() => ages.push(copier.facts().backlogAgeMs ?? Number.NaN), 250);
  const { tookMs, failed } = await load();
  const expected = perSecond * seconds - failed;
  for (let tries = 0; tries < 600 && copiedMs.size < expected; tries += 1) await wait(100);
  clearInterval(sampler);
  const cpu = cpuNow().map((ms, n) => (ms - (before[n] ?? 0)) / expected);
  report({ tookMs, failed, expected, ages, cpu });
} finally {
  stop.abort();
  await running;
  source.close();
  target.close();
  state.close();
  await pair.remove();
}

/** CPU time so far of this process, the S3 server and Azurite. */
function cpuNow(): readonly number[] {
  return [process.pid, pair.s3.pid, pair.azurite.pid].map(cpuMsOf);
}

/** Puts at S3 in another process; `putMs` has when each was answered. */
function load(): Promise<{ readonly tookMs: number; readonly failed: number }> {
  const child = fork(join(import.meta.dirname, "put-load.ts"));
  child.send({ settings: pair.settings.source, perSecond, seconds, sizeBytes } satisfies PutLoad);
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the load ended with ${code}`)));
    child.on("message", (told: PutTold) => {
      if (told.kind === "stored") putMs.set(told.key, told.atMs);
      else resolve(told);
    });
  });
}

function report(run: {
  readonly tookMs: number;
  readonly failed: number;
  readonly expected: number;
  readonly ages: readonly number[];
  readonly cpu: readonly number[];
}): void {
  const lags = [...copiedMs].map(([key, ms]) => Math.max(0, ms - (putMs.get(key) ?? ms)));
  const sorted = lags.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    `${Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)} ms`;
  const ages = run.ages.toSorted((a, b) => a - b);
  const { copied, failed, pending } = copier.facts();
  console.log(`asked for ${perSecond} puts/s of ${sizeBytes} bytes for ${seconds} s`);
  console.log(
    `done      ${(run.expected / (run.tookMs / 1_000)).toFixed(0)} puts/s, ${run.failed} failed`,
  );
  console.log(
    `copied    ${copiedMs.size} of ${run.expected}; ${pending} pending, ${failed} failures`,
  );
  console.log(`lag       p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`);
  console.log(
    `backlog   median ${ages[ages.length >> 1]} ms, largest ${ages.at(-1)} ms as the facts tell`,
  );
  const [own = 0, s3 = 0, blob = 0] = run.cpu;
  const each = [own, s3, blob].map((ms) => ms.toFixed(2)).join(" + ");
  const most = Math.floor(1_000 / Math.max(own, s3, blob));
  console.log(`CPU       ${each} ms per object: copier, S3 server, Azurite (${copied} copies)`);
  console.log(
    `          so at most ${most} puts/s with a core for each; load average ${loadavg()[0]?.toFixed(1)}`,
  );
}

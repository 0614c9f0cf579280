/**
 * The memory of a sync over `keys` objects that nobody holds: the high-water mark of the process, and
 * the most that was alive after a collection (asked for with --expose-gc), in MiB.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { keepHeapSmall } from "../../apps/cli/src/small-heap.ts";

// In the same order as the command does it.
keepHeapSmall();
const { SyncState, syncObjects } = await import("@cloudphoenix/objects");
const { SyntheticObjectStore } = await import("@cloudphoenix/testkit");

const keys = Number(process.argv[2]);
const directory = mkdtempSync(join(tmpdir(), "cloudphoenix-memory-"));
// One in a hundred is new at the source, one in a hundred is only at the target.
const source = new SyntheticObjectStore({
  name: "source",
  objects: keys,
  pageSize: 1_000,
  holds: (index) => index % 100 !== 1,
});
const target = new SyntheticObjectStore({
  name: "target",
  objects: keys,
  pageSize: 5_000,
  holds: (index) => index % 100 !== 0,
});
const state = SyncState.open({ path: `${directory}/memory-${keys}.sqlite`, pair: "synthetic" });
const MIB = 1_024 * 1_024;
let liveMb = 0;
let told = 0;
function lookNowAndThen(): void {
  told += 1;
  if (told % Math.ceil(keys / 500) !== 0) return;
  globalThis.gc?.();
  liveMb = Math.max(liveMb, process.memoryUsage().heapUsed / MIB);
}
const summary = await syncObjects({
  source: { store: source, prefix: "" },
  target: { store: target, prefix: "" },
  surroundings: {
    clock: { now: Date.now, sleep: async (ms) => pass(ms) },
    random: { next: Math.random },
  },
  journal: state.journal,
  tombstones: state.tombstones,
  signal: AbortSignal.timeout(300_000),
  onEvent: lookNowAndThen,
  deletes: {
    delayMs: 900_000,
    maxCount: 10,
    maxPercent: 1,
    onlyStamped: true,
    allowEmptySource: false,
  },
});
state.close();
rmSync(directory, { recursive: true });
const peakKb = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0);
const { sourceObjects, copied, elapsedMs } = summary.progress;
const { missing } = summary.deletes;
const result = { sourceObjects, copied, missing, elapsedMs, liveMb, peakMb: peakKb / 1_024 };
console.log(JSON.stringify({ outcome: summary.outcome, ...result }));

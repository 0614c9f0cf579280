/** The memory of a sync over `keys` objects that nobody holds: prints its high-water mark in MiB. */
import { readFileSync } from "node:fs";
import { setTimeout as pass } from "node:timers/promises";
import { SyncState, syncObjects } from "@cloudphoenix/objects";
import { SyntheticObjectStore } from "@cloudphoenix/testkit";

const keys = Number(process.argv[2]);
const directory = process.argv[3] ?? "/tmp";
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
  deletes: {
    delayMs: 900_000,
    maxCount: 10,
    maxPercent: 1,
    onlyStamped: true,
    allowEmptySource: false,
  },
});
state.close();
const peakKb = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0);
const { sourceObjects, copied, elapsedMs } = summary.progress;
const { missing } = summary.deletes;
const result = { sourceObjects, copied, missing, elapsedMs, peakMb: peakKb / 1_024 };
console.log(JSON.stringify({ outcome: summary.outcome, ...result }));

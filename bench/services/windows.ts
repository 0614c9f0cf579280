/** Windows of load in turn, and what they come to. */
import { setTimeout as pause } from "node:timers/promises";
import type { Window } from "./load.ts";
import { cpuMs, foreignCpuMs } from "./process-tree.ts";

/** One server, listening. */
export interface Contestant {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
}

/** What one window showed, what it took of the server's processor time, and who else took any. */
export interface MeasuredWindow extends Window {
  readonly cpuUsPerRequest: number;
  /** Processors that were busy with anything but this comparison. */
  readonly foreignCores: number;
}

/** The windows of one server that count. */
export type Result = readonly MeasuredWindow[];

/** How often and how long. */
export interface Turns {
  readonly rounds: number;
  readonly seconds: number;
}

/**
 * Every contestant once per round, in another order each time, so that drift hits all alike. Of the
 * windows of each, the half counts in which the machine did the least else.
 */
export async function inTurn(
  all: readonly Contestant[],
  { rounds, seconds }: Turns,
  load: (one: Contestant) => Promise<Window>,
): Promise<readonly Result[]> {
  const results = all.map((): MeasuredWindow[] => []);
  // The first round warms up and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < all.length; turn += 1) {
      const index = (turn + round) % all.length;
      const one = all[index];
      if (one === undefined) continue;
      const [beforeMs, foreignMs, startMs] = [cpuMs(one.pid), foreignCpuMs(), performance.now()];
      const window = await load(one);
      const usedMs = cpuMs(one.pid) - beforeMs;
      const foreignCores = (foreignCpuMs() - foreignMs) / (performance.now() - startMs);
      const cpuUsPerRequest = (usedMs * 1_000) / (window.perSecond * seconds);
      if (round > 0) results[index]?.push({ ...window, cpuUsPerRequest, foreignCores });
      // What the last one left running must not be the next one's burden.
      await pause(100);
    }
  }
  return results.map((windows) =>
    windows
      .toSorted((one, two) => one.foreignCores - two.foreignCores)
      .slice(0, Math.ceil(windows.length / 2)),
  );
}

/** Median over the windows. */
export function medianOf(result: Result | undefined, field: keyof MeasuredWindow): number {
  const sorted = (result ?? []).map((window) => window[field]).toSorted((one, two) => one - two);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** @param base - whose requests a second are 1 */
export function printTable(
  title: string,
  all: readonly Contestant[],
  results: readonly Result[],
  base: Result | undefined,
): void {
  const once = medianOf(base, "perSecond");
  console.log(
    `${title}\n  ${"".padEnd(30)}   req/s   ratio  p50 ms  p99 ms  µs CPU  errors  others`,
  );
  for (const [index, { name }] of all.entries()) {
    const result = results[index];
    const perSecond = medianOf(result, "perSecond");
    const errors = (result ?? []).reduce((sum, window) => sum + window.errors, 0);
    const cells = [
      perSecond.toFixed(0),
      (perSecond / once).toFixed(2),
      medianOf(result, "p50Ms").toFixed(1),
      medianOf(result, "p99Ms").toFixed(1),
      medianOf(result, "cpuUsPerRequest").toFixed(0),
      String(errors),
      medianOf(result, "foreignCores").toFixed(1),
    ];
    console.log(`  ${name.padEnd(30)}${cells.map((cell) => cell.padStart(8)).join("")}`);
  }
  console.log("");
}

/** What the simulator prints. */
import type { BatchSummary } from "./batch.ts";
import type { Fault } from "./disasters.ts";
import { FAULT_KINDS } from "./faults.ts";
import { PHASES } from "./phases.ts";
import type { SimulationResult } from "./simulation.ts";

/** One line while seeds run. */
export function progressText(sum: BatchSummary, elapsedMs: number, wanted: number): string {
  const of = Number.isFinite(wanted) ? ` of ${wanted}` : "";
  const rate = elapsedMs > 0 ? (sum.seeds / elapsedMs) * 1_000 : 0;
  const perCore = sum.cpuMs > 0 ? (sum.seeds / sum.cpuMs) * 1_000 : 0;
  return `${sum.seeds}${of} seeds, ${rate.toFixed(0)} seeds/s (${perCore.toFixed(0)} per second of a core), ${sum.moves} moves, ${sum.violations.length} violations`;
}

/** Fault kinds by phases, how often each struck. */
export function coverageText({ covered }: BatchSummary): string {
  const width = Math.max(...FAULT_KINDS.map((kind) => kind.length));
  const head = ["".padEnd(width), ...PHASES.map((phase) => phase.padStart(9))].join(" ");
  const rows = FAULT_KINDS.map((kind) =>
    [
      kind.padEnd(width),
      ...PHASES.map((phase) => String(covered[`${kind} ${phase}`] ?? 0).padStart(9)),
    ].join(" "),
  );
  return [head, ...rows].join("\n");
}

/** A counterexample: seed, schedule, timeline. */
export function counterexampleText(result: SimulationResult): string {
  const [violation] = result.violations;
  return [
    violation === undefined
      ? `seed ${result.seed}: no invariant was broken`
      : `seed ${result.seed} breaks ${violation.invariant} at ${seconds(violation.atMs)}: ${violation.sentence}`,
    "schedule:",
    ...result.faults.map((fault) => `  ${faultText(fault)}`),
    "timeline (true time):",
    ...result.timeline.map(({ atMs, text }) => `${seconds(atMs).padStart(11)}  ${text}`),
    `events ${result.events}, acknowledged writes ${result.acknowledged}, hash ${result.hash}`,
  ].join("\n");
}

function faultText({ kind, when, lastsMs }: Fault): string {
  const start =
    "atMs" in when ? `at ${seconds(when.atMs)}` : `${when.afterMs} ms into phase ${when.phase}`;
  return `${kind} ${start}, ${lastsMs === null ? "for ever" : `for ${lastsMs} ms`}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(3)} s`;
}

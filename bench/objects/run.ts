/**
 * `cloudphoenix sync` beside Debian's rclone on the same two servers, runs alternating.
 *
 *   npx node bench/objects/run.ts [--jobs small,tiny,large,unchanged,memory] [--runs 3] [--scale 1]
 *
 * Needs `rclone` on the path (apt-get install rclone). Servers, tools and driver are processes of their
 * own; each figure is of the tool alone. Exit code 1 if a goal of claim 1 is missed.
 *
 * What the servers distort: both are on this machine and have no latency, so whoever computes least
 * wins; Azurite is slow where a client sends no MD5 with a block, as rclone 1.60 does.
 */
import { execFileSync } from "node:child_process";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type FlagsName, programOf, type Tool } from "./contestants.ts";
import { fill } from "./fill.ts";
import { type Measured, measure } from "./measure.ts";
import { openStage } from "./stage.ts";

interface Job {
  readonly what: string;
  readonly objects: number;
  readonly sizeBytes: number;
  readonly flags: FlagsName;
  /** The target is filled first. */
  readonly unchanged: boolean;
  /** How many times as fast as rclone it should be. */
  readonly goal: number;
}

const KIB = 1_024;
const MIB = KIB * KIB;
const JOBS: Readonly<Record<string, Job>> = {
  small: job("2,000 × 64 KiB", [2_000, 64 * KIB], { flags: "small", goal: 1.5 }),
  tiny: job("20,000 × 4 KiB", [20_000, 4 * KIB], { flags: "small", goal: 1.5 }),
  large: job("20 × 32 MiB", [20, 32 * MIB], { flags: "large", goal: 1 }),
  unchanged: job("20,000 unchanged", [20_000, 4 * KIB], { flags: "unchanged", goal: 2 }),
};

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "small,tiny,large,unchanged,memory" },
    runs: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
  },
});
const runs = Number(values.runs);
const scale = Number(values.scale);
const wanted = values.jobs.split(",");

console.log(`${rcloneVersion()}, Node.js ${process.version}, ${cpus().length} cores`);
console.log(
  `load average ${loadavg()[0]?.toFixed(1)} before; medians of ${runs} alternating runs\n`,
);
console.log(
  "job                 tool           wall s   CPU s  peak MB   rclone ÷ ours: wall / CPU / memory",
);
const stage = await openStage();
let missed = false;
try {
  for (const name of wanted) {
    const found = JOBS[name];
    if (found !== undefined) missed = (await compare(name, found)) || missed;
  }
} finally {
  await stage.close();
}
if (wanted.includes("memory")) memoryTable();
process.exitCode = missed ? 1 : 0;

function job(
  what: string,
  [objects, sizeBytes]: readonly [number, number],
  rest: Pick<Job, "flags" | "goal">,
): Job {
  return { what, objects, sizeBytes, unchanged: rest.flags === "unchanged", ...rest };
}

/** Whether a goal was missed. */
async function compare(name: string, planned: Job): Promise<boolean> {
  const bucket = `bench-${name}`;
  await stage.makeBucket(bucket);
  const source = stage.source(bucket);
  await fill(source, Math.ceil(planned.objects * scale), planned.sizeBytes);
  source.close();
  const results = { cloudphoenix: [] as Measured[], rclone: [] as Measured[] };
  const kept = planned.unchanged ? await filledContainer(bucket, planned) : null;
  for (let run = 0; run < runs; run += 1) {
    for (const tool of tools(run)) {
      const container = kept ?? (await freshContainer(`${name}-${tool}-${run}`));
      results[tool].push(
        await measure(programOf(tool, { stage, bucket, container, flags: planned.flags })),
      );
    }
  }
  return print(planned, results);
}

/** Who goes first changes from run to run. */
function tools(run: number): readonly Tool[] {
  return run % 2 === 0 ? ["cloudphoenix", "rclone"] : ["rclone", "cloudphoenix"];
}

async function freshContainer(name: string): Promise<string> {
  await stage.makeContainer(name);
  return name;
}

/** One for both: each finds the MD5 of every object in both listings, and nothing to do. */
async function filledContainer(bucket: string, { flags }: Job): Promise<string> {
  const container = await freshContainer(`${bucket}-filled`);
  await measure(programOf("cloudphoenix", { stage, bucket, container, flags }));
  return container;
}

function print({ what, goal }: Job, results: Readonly<Record<Tool, readonly Measured[]>>): boolean {
  const ours = median(results.cloudphoenix);
  const theirs = median(results.rclone);
  const ratio = {
    wall: theirs.wallMs / ours.wallMs,
    cpu: theirs.cpuMs / ours.cpuMs,
    peak: theirs.peakMb / ours.peakMb,
  };
  const isMet = ratio.wall >= goal && ratio.peak >= 1;
  const verdict = isMet ? "" : `   goal ${goal}× and no more memory: missed`;
  const ratios = `${ratio.wall.toFixed(2)} / ${ratio.cpu.toFixed(2)} / ${ratio.peak.toFixed(2)}${verdict}`;
  console.log(`${what.padEnd(20)}${row("cloudphoenix", ours)}   ${ratios}`);
  console.log(`${"".padEnd(20)}${row("rclone", theirs)}`);
  return !isMet;
}

function row(tool: Tool, { wallMs, cpuMs, peakMb }: Measured): string {
  return `${tool.padEnd(13)}${seconds(wallMs)}${seconds(cpuMs)}${peakMb.toFixed(0).padStart(9)}`;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2).padStart(8);
}

function median(results: readonly Measured[]): Measured {
  const middle = (of: (one: Measured) => number): number => {
    const sorted = results.map(of).toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  return {
    wallMs: middle((one) => one.wallMs),
    cpuMs: middle((one) => one.cpuMs),
    peakMb: middle((one) => one.peakMb),
  };
}

function memoryTable(): void {
  console.log("\nkeys        peak MB  live heap MB   (synthetic stores, 1 % only at each side)");
  for (const keys of [10_000, 100_000, 1_000_000]) {
    const script = join(import.meta.dirname, "memory.ts");
    const args = ["--expose-gc", script, String(keys)];
    const said = execFileSync(process.execPath, args, { encoding: "utf8" });
    const { peakMb, liveMb } = JSON.parse(said) as { peakMb: number; liveMb: number };
    const figures = `${peakMb.toFixed(0).padStart(7)}${liveMb.toFixed(1).padStart(14)}`;
    console.log(`${keys.toLocaleString("en").padEnd(12)}${figures}`);
  }
}

/** @throws if it is not there */
function rcloneVersion(): string {
  const said = execFileSync("rclone", ["version"], { encoding: "utf8", stdio: "pipe" });
  return said.split("\n")[0] ?? "rclone";
}

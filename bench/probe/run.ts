/**
 * How much it costs to ask 5,000 HTTP targets every 5 s, beside a named peer.
 *
 *   npx node bench/probe/run.ts [--targets 5000] [--interval-ms 5000] [--seconds 20]
 *
 * Targets, prober and driver are processes of their own; each figure is of the prober alone. The
 * peer is prometheus-blackbox-exporter if it is on the path, else Node's global fetch.
 * Goal: under 10 % of one core. Exit code 1 if the wheel misses it or a probe failed.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { probeWithExporter } from "./exporter-prober.ts";
import { type BenchResult, benchOptions } from "./options.ts";

const CPU_GOAL_PERCENT = 10;

// Other work on the machine inflates every figure; it is printed so that nobody is misled.
const [loadBefore = 0] = loadavg();
const args = process.argv.slice(2);
const options = benchOptions(args);
const targets = start("targets.ts", []);
const [ports]: number[][] = await once(targets, "message");
try {
  const wheel = await resultOf("wheel-prober.ts");
  const peer =
    (await probeWithExporter(ports ?? [], options)) ?? (await resultOf("fetch-prober.ts"));
  report([wheel, peer]);
  const isMet = wheel.cpuPercent < CPU_GOAL_PERCENT && wheel.failures === 0;
  process.exitCode = isMet ? 0 : 1;
} finally {
  targets.disconnect();
}

function start(file: string, childArgs: readonly string[]): ChildProcess {
  return fork(join(import.meta.dirname, file), [...childArgs], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

async function resultOf(file: string): Promise<BenchResult> {
  const child = start(file, [JSON.stringify(ports), ...args]);
  const [result]: BenchResult[] = await once(child, "message");
  await once(child, "close");
  if (result === undefined) throw new Error(`${file} sent no result`);
  return result;
}

function report(results: readonly BenchResult[]): void {
  const { targets: count, intervalMs, seconds } = options;
  const load = `load average ${loadBefore.toFixed(1)} before, ${cpus().length} cores`;
  console.log(`${count} HTTP targets every ${intervalMs} ms, measured for ${seconds} s; ${load}\n`);
  console.log("prober                        probes/s  failures  CPU %  RSS MB  late p50/p99 ms");
  for (const result of results) {
    const late =
      result.latenessP50Ms === null || result.latenessP99Ms === null
        ? "scheduled from outside"
        : `${result.latenessP50Ms.toFixed(1)} / ${result.latenessP99Ms.toFixed(1)}`;
    console.log(
      [
        result.name.padEnd(29),
        result.probesPerSecond.toFixed(0).padStart(8),
        String(result.failures).padStart(9),
        result.cpuPercent.toFixed(1).padStart(6),
        result.rssMb.toFixed(0).padStart(7),
        ` ${late}`,
      ].join(" "),
    );
  }
  console.log(`\nCPU is of one core. Goal of the wheel: under ${CPU_GOAL_PERCENT} %.`);
}

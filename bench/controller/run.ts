/**
 * What an idle controller costs: CPU of one core and memory with 50 signals asked every second, in
 * a sandbox where everything is healthy.
 *
 *   npx node bench/controller/run.ts [--signals 50] [--seconds 30]
 *
 * Goal: under 5 % of one core and 150 MB.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openWorld } from "@cloudphoenix/sandbox";
import { parse, stringify } from "yaml";

const WARM_UP_MS = 45_000;
const TICKS_PER_SECOND = 100;

const { values } = parseArgs({
  options: {
    signals: { type: "string", default: "50" },
    seconds: { type: "string", default: "30" },
  },
});
const seconds = Number(values.seconds);

const directory = mkdtempSync(join(tmpdir(), "cloudphoenix-bench-"));
const world = await openWorld({ name: "bench", directory });
try {
  await world.controllers[0]?.stop();
  const config = withSignals(world.configFile, Number(values.signals));
  const controller = spawn(
    process.execPath,
    [join(import.meta.dirname, "../../apps/controller/src/main.ts"), "--config", config],
    {
      stdio: "ignore",
      env: { ...process.env, NODE_COMPILE_CACHE: join(directory, "cache/compiled") },
    },
  );
  try {
    await sleep(WARM_UP_MS);
    const before = ticksOf(controller.pid ?? 0);
    await sleep(seconds * 1000);
    const ticks = ticksOf(controller.pid ?? 0) - before;
    const percent = (ticks / TICKS_PER_SECOND / seconds) * 100;
    console.log(
      `controller, ${values.signals} signals at 1 s: ${percent.toFixed(1)} % of one core, ${memoryMb(controller.pid ?? 0)} MB (goal: under 5 % and 150 MB)`,
    );
  } finally {
    controller.kill("SIGTERM");
  }
} finally {
  await world.close();
  rmSync(directory, { recursive: true, force: true });
}

interface Signal {
  readonly id: string;
}

/** The configuration of the sandbox with copies of a signal the controller asks itself. */
function withSignals(file: string, wanted: number): string {
  const document = parse(readFileSync(file, "utf8")) as { signals: Signal[] };
  const model = document.signals.find((signal) => signal.id === "aws-health");
  if (model === undefined) throw new Error(`${file} has no signal aws-health`);
  for (let index = 1; document.signals.length < wanted; index += 1) {
    document.signals.push({ ...model, id: `${model.id}-${index}` });
  }
  const path = join(dirname(file), "bench.yaml");
  writeFileSync(path, stringify(document), { mode: 0o600 });
  return path;
}

/** CPU time of a process in clock ticks, user and system (proc(5), fields 14 and 15). */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function memoryMb(pid: number): number {
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kb) / 1024);
}

/** What one process used from its start to its end, from /proc. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";

export interface Measured {
  readonly wallMs: number;
  /** User and system, to 10 ms; what the last 5 ms used is missing. */
  readonly cpuMs: number;
  /** The high-water mark of its memory (VmHWM). */
  readonly peakMb: number;
}

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

const SAMPLE_MS = 5;
const LIMIT_MS = 300_000;
const TICK_MS = 10;

/** @throws {Error} with what it said, if it does not end with exit code 0 */
export async function measure({ command, args, env }: Program): Promise<Measured> {
  const startedMs = performance.now();
  const child = spawn(command, args, {
    env: env ?? process.env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LIMIT_MS,
  });
  let said = "";
  const hear = (data: Buffer): void => {
    said = (said + data.toString()).slice(-4_000);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const used = { cpuMs: 0, peakMb: 0 };
  const sampling = setInterval(() => sample(child.pid ?? 0, used), SAMPLE_MS);
  const [code] = (await once(child, "exit")) as [number | null];
  const wallMs = performance.now() - startedMs;
  clearInterval(sampling);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${said}`);
  return { wallMs, ...used };
}

function sample(pid: number, used: { cpuMs: number; peakMb: number }): void {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const peakKb = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    used.peakMb = Math.max(used.peakMb, peakKb / 1_024);
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    used.cpuMs = Math.max(used.cpuMs, (Number(fields[11]) + Number(fields[12])) * TICK_MS);
  } catch {
    // It has ended meanwhile.
  }
}

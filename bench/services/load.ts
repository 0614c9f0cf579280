/** Load generators from Debian, and what they print as numbers. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What one window showed. */
export interface Window {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
}

const run = promisify(execFile);

/** Whether a program is on the path. */
export async function has(program: string): Promise<boolean> {
  return run("which", [program]).then(
    () => true,
    () => false,
  );
}

/** As many requests as fit, over 32 kept-alive connections. @param script - Lua for wrk, or null */
export async function atFullSpeed(
  url: string,
  seconds: number,
  script: string | null,
): Promise<Window> {
  const args = [
    "-t1",
    "-c32",
    `-d${seconds}s`,
    "--latency",
    ...(script === null ? [] : ["-s", script]),
    url,
  ];
  const { stdout } = await run("wrk", args);
  return {
    perSecond: numberIn(stdout, /Requests\/sec:\s+([\d.]+)/),
    p50Ms: spanIn(stdout, /50%\s+([\d.]+)(us|ms|s)/),
    p99Ms: spanIn(stdout, /99%\s+([\d.]+)(us|ms|s)/),
    errors: numberIn(stdout, /Non-2xx or 3xx responses: (\d+)/, 0),
  };
}

/** `perSecond` requests a second over 32 connections. */
export async function atFixedRate(
  url: string,
  seconds: number,
  perSecond: number,
): Promise<Window> {
  const rate = Math.max(1, Math.round(perSecond / 32));
  const args = ["-z", `${seconds}s`, "-c", "32", "-q", String(rate), url];
  const { stdout } = await run("hey", args, { maxBuffer: 16 * 1024 * 1024 });
  return {
    perSecond: numberIn(stdout, /Requests\/sec:\s+([\d.]+)/),
    p50Ms: numberIn(stdout, /50%+ in ([\d.]+) secs/) * 1_000,
    p99Ms: numberIn(stdout, /99%+ in ([\d.]+) secs/) * 1_000,
    errors: /Error distribution|^\s+\[[45]\d\d\]\s+\d+ responses/m.test(stdout) ? 1 : 0,
  };
}

function numberIn(text: string, pattern: RegExp, missing?: number): number {
  const [, value] = pattern.exec(text) ?? [];
  if (value !== undefined) return Number(value);
  if (missing !== undefined) return missing;
  throw new Error(`the load generator printed no ${String(pattern)}:\n${text}`);
}

function spanIn(text: string, pattern: RegExp): number {
  const [, value = "0", unit = "ms"] = pattern.exec(text) ?? [];
  return Number(value) * { us: 0.001, ms: 1, s: 1_000 }[unit as "us" | "ms" | "s"];
}

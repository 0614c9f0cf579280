/** Child process: the same questions with Node's global `fetch`, evenly spread. The fallback peer. */
import { setTimeout as wait } from "node:timers/promises";
import { type BenchResult, benchOptions, urlsOf } from "./options.ts";

const { targets, intervalMs, seconds } = benchOptions(process.argv.slice(3));
const ports: number[] = JSON.parse(process.argv[2] ?? "[]");
const urls = urlsOf(ports, targets);

let probes = 0;
let failures = 0;
let lateness: number[] = [];

async function ask(url: string): Promise<void> {
  probes += 1;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    const body: unknown = await response.json();
    const isHealthy = typeof body === "object" && body !== null && "status" in body;
    if (!isHealthy || body.status !== "healthy") failures += 1;
  } catch {
    failures += 1;
  }
}

const beganAt = performance.now();
let asked = 0;
const timer = setInterval(() => {
  const now = performance.now() - beganAt;
  for (let dueMs = (asked * intervalMs) / targets; dueMs <= now; ) {
    lateness.push(now - dueMs);
    void ask(urls[asked % targets] ?? "");
    asked += 1;
    dueMs = (asked * intervalMs) / targets;
  }
}, 10);

await wait(intervalMs + 1000);
const [cpuBefore, startedAt] = [process.cpuUsage(), performance.now()];
probes = 0;
failures = 0;
lateness = [];
await wait(seconds * 1000);
const { user, system } = process.cpuUsage(cpuBefore);
const elapsedMs = performance.now() - startedAt;
clearInterval(timer);
const sorted = lateness.toSorted((a, b) => a - b);
const result: BenchResult = {
  name: "Node global fetch",
  probesPerSecond: (probes / elapsedMs) * 1000,
  failures,
  cpuPercent: (user + system) / 10 / elapsedMs,
  rssMb: process.memoryUsage().rss / 1_048_576,
  latenessP50Ms: sorted[Math.floor(sorted.length * 0.5)] ?? 0,
  latenessP99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
};
process.send?.(result);
process.disconnect();

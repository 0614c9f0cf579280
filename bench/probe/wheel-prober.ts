/** Child process: the probe wheel. Sends its result when its time is over. */
import { setTimeout as wait } from "node:timers/promises";
import { ProbeWheel } from "@cloudphoenix/adapter-probe";
import { type BenchResult, benchOptions, urlsOf } from "./options.ts";

const { targets, intervalMs, seconds } = benchOptions(process.argv.slice(3));
const ports: number[] = JSON.parse(process.argv[2] ?? "[]");

const wheel = new ProbeWheel({
  targets: urlsOf(ports, targets).map((url, index) => ({
    signal: `target-${index}`,
    vantage: "bench",
    url,
    expect: "health-json",
    intervalMs,
    timeoutMs: 2000,
  })),
  canaries: [],
  clock: {
    now: () => performance.timeOrigin + performance.now(),
    sleep: async (ms, signal) => {
      await wait(ms, undefined, signal === undefined ? {} : { signal });
    },
  },
  random: { next: () => Math.random() },
});
let failures = 0;
wheel.start({
  observed: ({ status }) => {
    if (status !== "healthy") failures += 1;
  },
  sighted: () => {},
});

// The first round opens every connection; what counts is the state a prober lives in.
await wait(intervalMs + 1000);
const [before, cpuBefore, startedAt] = [
  wheel.metrics().probes,
  process.cpuUsage(),
  performance.now(),
];
failures = 0;
await wait(seconds * 1000);
const { user, system } = process.cpuUsage(cpuBefore);
const elapsedMs = performance.now() - startedAt;
const metrics = wheel.metrics();
const result: BenchResult = {
  name: "probe wheel",
  probesPerSecond: ((metrics.probes - before) / elapsedMs) * 1000,
  failures,
  cpuPercent: (user + system) / 10 / elapsedMs,
  rssMb: process.memoryUsage().rss / 1_048_576,
  latenessP50Ms: metrics.latenessP50Ms,
  latenessP99Ms: metrics.latenessP99Ms,
};
process.send?.(result);
await wheel.stop();
process.disconnect();

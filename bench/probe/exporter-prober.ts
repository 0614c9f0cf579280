/**
 * Drives prometheus-blackbox-exporter with the same questions at the same rate.
 *
 * Only the exporter is measured, from /proc (Linux); what asks it is this process. It opens a new
 * connection per probe and renders its metrics, as it does for Prometheus, and the interval is ours.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type BenchOptions, type BenchResult, urlsOf } from "./options.ts";

const BINARIES = ["prometheus-blackbox-exporter", "blackbox_exporter"] as const;
const MODULE = `modules:
  health:
    prober: http
    timeout: 2s
    http: { preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: ['"status":"healthy"'] }
`;
/** Clock ticks per second in /proc, fixed on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The result of the exporter, or null if it is not installed. */
export async function probeWithExporter(
  ports: readonly number[],
  options: BenchOptions,
): Promise<BenchResult | null> {
  const directory = await mkdtemp(join(tmpdir(), "bench-probe-"));
  try {
    const config = join(directory, "blackbox.yml");
    await writeFile(config, MODULE);
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const exporter = await startExporter(config, port);
    if (exporter === null) return null;
    try {
      return await measure(exporter, port, urlsOf(ports, options.targets), options);
    } finally {
      exporter.kill();
      await once(exporter, "close");
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function startExporter(config: string, port: number): Promise<ChildProcess | null> {
  for (const binary of BINARIES) {
    const args = [`--config.file=${config}`, `--web.listen-address=127.0.0.1:${port}`];
    const child = spawn(binary, args, { stdio: "ignore" });
    const started = await Promise.race([
      once(child, "spawn").then(() => true),
      once(child, "error").then(() => false),
    ]).catch(() => false);
    if (started) {
      await wait(1000);
      return child;
    }
  }
  return null;
}

async function measure(
  exporter: ChildProcess,
  port: number,
  urls: readonly string[],
  { targets, intervalMs, seconds }: BenchOptions,
): Promise<BenchResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const counts = { probes: 0, failures: 0 };
  const ask = (url: string): void => {
    const path = `/probe?module=health&target=${encodeURIComponent(url)}`;
    const request = get({ port, path, agent, host: "127.0.0.1" }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => {
        counts.probes += 1;
        if (!body.includes("probe_success 1")) counts.failures += 1;
      });
    });
    request.on("error", () => {
      counts.failures += 1;
    });
  };
  const beganAt = performance.now();
  let asked = 0;
  const timer = setInterval(() => {
    const dueCount = ((performance.now() - beganAt) * targets) / intervalMs;
    for (; asked < dueCount; asked += 1) ask(urls[asked % urls.length] ?? "");
  }, 10);
  await wait(intervalMs + 1000);
  const before = await usageOf(exporter.pid ?? 0);
  const startedAt = performance.now();
  Object.assign(counts, { probes: 0, failures: 0 });
  await wait(seconds * 1000);
  const after = await usageOf(exporter.pid ?? 0);
  const elapsedMs = performance.now() - startedAt;
  clearInterval(timer);
  agent.destroy();
  return {
    name: "prometheus-blackbox-exporter",
    probesPerSecond: (counts.probes / elapsedMs) * 1000,
    failures: counts.failures,
    cpuPercent: ((after.cpuMs - before.cpuMs) / elapsedMs) * 100,
    rssMb: after.rssMb,
    latenessP50Ms: null,
    latenessP99Ms: null,
  };
}

/** Processor time and resident memory, from /proc (see proc(5)). */
async function usageOf(pid: number): Promise<{ readonly cpuMs: number; readonly rssMb: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold spaces, so fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/mu.exec(status)?.[1] ?? 0);
  return { cpuMs: (ticks * 1000) / TICKS_PER_SECOND, rssMb: kilobytes / 1024 };
}

/**
 * Repeats the main job and prints recovery time by phase and losses per durability mode.
 *
 *   npx node bench/failover/run.ts [--runs 5] [--modes async,barrier,sync] [--json]
 *
 * The named peer is Patroni with its documented defaults (ttl 30 s, loop_wait 10 s, retry_timeout
 * 10 s), which moves inside one consensus group: 30 to 45 s for the loss of a node, by its own
 * documentation. It is quoted, not run: it does not move between managed databases of two clouds.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";

interface DemoResult {
  readonly durability: string;
  readonly rto_ms: Readonly<Record<string, number>> | null;
  readonly rpo_ms: number | null;
  readonly writes_acknowledged: number;
  readonly writes_lost: number;
  readonly requests_failed: number;
  readonly ok: boolean;
}

const PHASES = ["detect", "decide", "fence", "recover", "switch", "converge", "total"];
const root = join(import.meta.dirname, "../..");

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    modes: { type: "string", default: "async,barrier,sync" },
    json: { type: "boolean", default: false },
  },
});

const results: DemoResult[] = [];
for (const mode of values.modes.split(",")) {
  for (let run = 1; run <= Number(values.runs); run += 1) {
    const result = await demo(mode);
    results.push(result);
    console.error(
      `${mode} ${run}: ${Math.round(result.rto_ms?.["total"] ?? Number.NaN)} ms, ${result.writes_lost} lost, ${result.ok ? "ok" : "A PROMISE DID NOT HOLD"}`,
    );
  }
}
if (values.json) console.log(JSON.stringify(results, null, 2));
else for (const mode of values.modes.split(",")) printMode(mode);
if (results.some((result) => !result.ok)) process.exitCode = 1;

async function demo(mode: string): Promise<DemoResult> {
  const command = join(root, "apps/cli/src/main.ts");
  const args = [command, "demo", "--json", "--durability", mode, "--name", "bench"];
  const done = await promisify(execFile)(process.execPath, args, {
    cwd: root,
    timeout: 180_000,
    maxBuffer: 16 * 1024 * 1024,
  }).catch((error: { readonly stdout?: string }) => error);
  const result = JSON.parse(done.stdout ?? "null") as DemoResult | null;
  if (result?.rto_ms === undefined) throw new Error(`the demo did not report: ${done.stdout}`);
  return result;
}

function printMode(mode: string): void {
  const of = results.filter((result) => result.durability === mode);
  console.log(`\n${mode}, ${of.length} runs (ms: median, worst)`);
  for (const phase of PHASES) {
    const sorted = of
      .map((result) => result.rto_ms?.[phase] ?? Number.NaN)
      .toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
    console.log(
      `  ${phase.padEnd(9)} ${Math.round(median)}, ${Math.round(sorted.at(-1) ?? Number.NaN)}`,
    );
  }
  const sum = (pick: (result: DemoResult) => number): number =>
    of.reduce((total, result) => total + pick(result), 0);
  console.log(
    `  ${sum((result) => result.writes_acknowledged)} writes acknowledged, ${sum((result) => result.writes_lost)} lost, rpo ${of.map((result) => Math.round(result.rpo_ms ?? Number.NaN)).join(" ")} ms`,
  );
}

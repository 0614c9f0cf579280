/**
 * The orders service beside the classic stack (Flask, Gunicorn, psycopg2 from Debian): one process of
 * ours against two and four workers of theirs, everything a production service does switched on, the
 * same PostgreSQL, the same machine, windows in turn.
 *
 *   node bench/services/run.ts [--rounds 8] [--seconds 2]
 *
 * Needs the Debian packages gunicorn, python3-flask, python3-psycopg2, python3-prometheus-client, wrk
 * and hey. Without them it says so and measures nothing. Exit code 1 if a goal is missed.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openServer } from "@cloudphoenix/local-postgres";
import { Client } from "pg";
import { ORDERS_SCHEMA } from "../../services/orders/src/schema.ts";
import { type Contestant, startContestants } from "./contestants.ts";
import { atFixedRate, atFullSpeed, has, type Window } from "./load.ts";
import { cpuMs, memoryMb } from "./process-tree.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "8" },
    seconds: { type: "string", default: "2" },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const script = join(import.meta.dirname, "random-order.lua");
const PASSWORD = "bench-only";
const FIRST_PORT = 21_500;

interface Result {
  readonly windows: (Window & { readonly cpuUsPerRequest: number })[];
}

const missing: string[] = [];
for (const program of ["gunicorn", "wrk", "hey"]) if (!(await has(program))) missing.push(program);
if (missing.length > 0)
  console.log(`skipped: ${missing.join(", ")} not found; nothing was measured`);
else await bench();

async function bench(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "cloudphoenix-bench-"));
  const superuserFile = join(directory, "superuser");
  const passwordFile = join(directory, "app");
  await writeFile(superuserFile, PASSWORD, { mode: 0o600 });
  await writeFile(passwordFile, PASSWORD, { mode: 0o600 });
  const databasePort = FIRST_PORT + 10;
  const server = await openServer({
    directory: join(directory, "postgres"),
    auth: { kind: "scram", passwordFile: superuserFile },
    socket: null,
    tcp: { host: "127.0.0.1", port: databasePort },
    settings: { max_connections: "120" },
  });
  try {
    await fill(server.url("postgres"));
    const ground = { directory, databasePort, passwordFile, password: PASSWORD };
    const { all, stop } = await startContestants(ground, FIRST_PORT);
    try {
      await compare(all);
    } finally {
      await stop();
    }
  } finally {
    await server.stop("immediate");
    await rm(directory, { recursive: true, force: true });
  }
}

/** 10,000 orders in the schema of the service. */
async function fill(address: string): Promise<void> {
  const url = new URL(address);
  url.password = PASSWORD;
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(`create role app login password '${PASSWORD}'`);
    for (const text of ORDERS_SCHEMA.migrations.flatMap(({ statements }) => statements)) {
      await client.query(text);
    }
    for (const text of ORDERS_SCHEMA.grantsTo("app")) await client.query(text);
    await client.query(`insert into public.orders (number, customer, items)
      select 'ORD-' || n, 'customer ' || n, '[{"sku":"tea","quantity":2}]'
      from generate_series(1, 10000) n`);
    await client.query("vacuum analyze public.orders");
  } finally {
    await client.end();
  }
}

async function compare(all: readonly Contestant[]): Promise<void> {
  console.log(
    `load average ${loadavg()[0]?.toFixed(1)} before; ${rounds} windows of ${seconds} s each\n`,
  );
  const reads = await inTurn(all, (one) => atFullSpeed(one.url, seconds, script));
  table("GET /orders/:id, 32 connections", all, reads);
  const lives = await inTurn(all, (one) => atFullSpeed(`${one.url}/live`, seconds, null));
  table("GET /live, 32 connections", all, lives);
  const half = Math.round(median(pick(reads[1], "perSecond")) / 2);
  const fixed = await inTurn(all, (one) => atFixedRate(`${one.url}/orders/1`, seconds, half));
  table(`GET /orders/1 at ${half} a second, half of what Gunicorn ×4 can do`, all, fixed);
  const memory = all.map(({ pid }) => memoryMb(pid));
  console.log("Memory after all of it (shared pages once)");
  for (const [index, one] of all.entries()) {
    console.log(`  ${one.name.padEnd(24)}${memory[index]?.toFixed(0).padStart(6)} MiB`);
  }
  judge(reads, fixed, memory);
}

/** Every contestant once per round, in another order each time, so that drift hits all alike. */
async function inTurn(
  all: readonly Contestant[],
  load: (one: Contestant) => Promise<Window>,
): Promise<readonly Result[]> {
  const results = all.map((): Result => ({ windows: [] }));
  // The first round warms up and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < all.length; turn += 1) {
      const index = (turn + round) % all.length;
      const one = all[index];
      if (one === undefined) continue;
      const beforeMs = cpuMs(one.pid);
      const window = await load(one);
      const usedMs = cpuMs(one.pid) - beforeMs;
      const cpuUsPerRequest = (usedMs * 1_000) / (window.perSecond * seconds);
      if (round > 0) results[index]?.windows.push({ ...window, cpuUsPerRequest });
    }
  }
  return results;
}

function table(title: string, all: readonly Contestant[], results: readonly Result[]): void {
  const base = median(pick(results[1], "perSecond"));
  console.log(`${title}\n  ${"".padEnd(24)}   req/s   ratio  p50 ms  p99 ms  µs CPU  errors`);
  for (const [index, one] of all.entries()) {
    const perSecond = median(pick(results[index], "perSecond"));
    const cells = [
      perSecond.toFixed(0).padStart(8),
      (perSecond / base).toFixed(2).padStart(8),
      median(pick(results[index], "p50Ms")).toFixed(1).padStart(8),
      median(pick(results[index], "p99Ms")).toFixed(1).padStart(8),
      median(pick(results[index], "cpuUsPerRequest")).toFixed(0).padStart(8),
      String(pick(results[index], "errors").reduce((sum, each) => sum + each, 0)).padStart(8),
    ];
    console.log(`  ${one.name.padEnd(24)}${cells.join("")}`);
  }
  console.log("");
}

/** Goals: one process against their four workers. */
function judge(
  reads: readonly Result[],
  fixed: readonly Result[],
  memory: readonly number[],
): void {
  const base = median(pick(reads[1], "perSecond"));
  const goals: readonly (readonly [string, boolean])[] = [
    ["at least 4 times the requests", median(pick(reads[2], "perSecond")) >= 4 * base],
    ["at least 2.5 times with traces at 10 %", median(pick(reads[3], "perSecond")) >= 2.5 * base],
    [
      "p50 no worse at half load",
      median(pick(fixed[2], "p50Ms")) <= median(pick(fixed[1], "p50Ms")),
    ],
    [
      "p99 no worse at half load",
      median(pick(fixed[2], "p99Ms")) <= median(pick(fixed[1], "p99Ms")),
    ],
    ["no more memory", (memory[2] ?? 0) <= (memory[1] ?? 0)],
  ];
  console.log("\nGoals, one process of ours against four workers");
  for (const [goal, met] of goals) console.log(`  ${met ? "met   " : "MISSED"} ${goal}`);
  if (goals.some(([, met]) => !met)) process.exitCode = 1;
}

function pick(
  result: Result | undefined,
  field: keyof Result["windows"][number],
): readonly number[] {
  return (result?.windows ?? []).map((window) => window[field]);
}

function median(values_: readonly number[]): number {
  const sorted = values_.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

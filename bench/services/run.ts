/**
 * The orders service beside the classic stack (Flask, Gunicorn, psycopg2 from Debian): one process of
 * ours against two and four workers of theirs, everything a production service does switched on, the
 * same PostgreSQL, the same machine, windows in turn. Then what each of its layers costs.
 *
 *   npx node bench/services/run.ts [--rounds 8] [--seconds 2] [--only rivals|layers]
 *
 * Needs the Debian packages gunicorn, python3-flask, python3-psycopg2, python3-prometheus-client, wrk
 * and hey. Without them it says so and measures nothing. Exit code 1 if a goal is missed.
 */
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { layered, rivals, startAll } from "./contestants.ts";
import { type Ground, onGround } from "./ground.ts";
import { atFixedRate, atFullSpeed, has } from "./load.ts";
import { memoryMb } from "./process-tree.ts";
import { type Contestant, inTurn, medianOf, printTable, type Result } from "./windows.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "8" },
    seconds: { type: "string", default: "2" },
    only: { type: "string", default: "" },
  },
});
const turns = { rounds: Number(values.rounds), seconds: Number(values.seconds) };
const script = join(import.meta.dirname, "random-order.lua");
const FIRST_PORT = 21_500;

const missing: string[] = [];
for (const program of ["gunicorn", "wrk", "hey"]) if (!(await has(program))) missing.push(program);
if (missing.length > 0) {
  console.log(`skipped: ${missing.join(", ")} not found; nothing was measured`);
} else {
  console.log(`load average ${loadavg()[0]?.toFixed(1)} before; ${turns.rounds} windows of each\n`);
  await onGround(FIRST_PORT, async (ground) => {
    await fillCompileCache(ground);
    if (values.only !== "layers") await withRivals(ground);
    if (values.only !== "rivals") await withLayers(ground);
  });
}

/** Node.js keeps compiled code when it stops in order. */
async function fillCompileCache(ground: Ground): Promise<void> {
  const { stop } = await startAll(ground, (await rivals(ground)).slice(2), FIRST_PORT + 2);
  await stop();
}

async function withRivals(ground: Ground): Promise<void> {
  const { all, stop } = await startAll(ground, await rivals(ground), FIRST_PORT + 2);
  try {
    const reads = await inTurn(all, turns, (one) => atFullSpeed(one.url, turns.seconds, script));
    printTable("GET /orders/:id, 32 connections", all, reads, reads[1]);
    const lives = await inTurn(all, turns, (one) =>
      atFullSpeed(`${one.url}/live`, turns.seconds, null),
    );
    printTable("GET /live, 32 connections", all, lives, lives[1]);
    const half = Math.round(medianOf(reads[1], "perSecond") / 2);
    const fixed = await inTurn(all, turns, (one) =>
      atFixedRate(`${one.url}/orders/1`, turns.seconds, half),
    );
    const title = `GET /orders/1 at ${half} a second, half of what Gunicorn ×4 can do`;
    printTable(title, all, fixed, fixed[1]);
    const memory = all.map(({ pid }) => memoryMb(pid));
    printMemory(all, memory);
    judge(reads, fixed, memory);
  } finally {
    await stop();
  }
}

async function withLayers(ground: Ground): Promise<void> {
  const { all, stop } = await startAll(ground, await layered(ground), FIRST_PORT + 10);
  try {
    const reads = await inTurn(all, turns, (one) => atFullSpeed(one.url, turns.seconds, script));
    printTable("\nGET /orders/:id, layer by layer", all, reads, reads[0]);
  } finally {
    await stop();
  }
}

function printMemory(all: readonly Contestant[], memory: readonly number[]): void {
  console.log("Memory after all of it, every page once");
  for (const [index, { name }] of all.entries()) {
    console.log(`  ${name.padEnd(30)}${memory[index]?.toFixed(0).padStart(6)} MiB`);
  }
}

/** Goals: one process of ours against four workers. */
function judge(
  reads: readonly Result[],
  fixed: readonly Result[],
  memory: readonly number[],
): void {
  const base = medianOf(reads[1], "perSecond");
  const noWorse = (field: "p50Ms" | "p99Ms"): boolean =>
    medianOf(fixed[2], field) <= medianOf(fixed[1], field);
  const goals: readonly (readonly [string, boolean])[] = [
    ["at least 4 times the requests", medianOf(reads[2], "perSecond") >= 4 * base],
    ["at least 2.5 times with traces at 10 %", medianOf(reads[3], "perSecond") >= 2.5 * base],
    ["p50 no worse at half load", noWorse("p50Ms")],
    ["p99 no worse at half load", noWorse("p99Ms")],
    ["no more memory", (memory[2] ?? 0) <= (memory[1] ?? 0)],
    // A fast refusal is no answer.
    ["no error at all", [...reads, ...fixed].flat().every(({ errors }) => errors === 0)],
  ];
  console.log("\nGoals, one process of ours against four workers");
  for (const [goal, met] of goals) console.log(`  ${met ? "met   " : "MISSED"} ${goal}`);
  if (goals.some(([, met]) => !met)) process.exitCode = 1;
}

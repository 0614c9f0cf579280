/**
 * The command behind `npm run simulate` and `npm run simulate:mutants`.
 *
 * Exit codes: 0 all well, 1 an invariant was broken (or a mutant survived, or a situation never
 * occurred), 2 wrong usage, 130 interrupted.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import type { BatchSummary } from "./batch.ts";
import { type CampaignResult, huntMutants, runCampaign } from "./campaign.ts";
import { neverOccurred } from "./coverage.ts";
import { MUTANTS } from "./mutants.ts";
import { shrink } from "./shrink.ts";
import { simulate } from "./simulation.ts";
import { counterexampleText, coverageText, progressText } from "./simulation-report.ts";

const USAGE = `npm run simulate -- [options]       many seeds
npm run simulate -- --seed N        one seed, with its timeline
npm run simulate:mutants -- [...]   every sabotage must be found

  --seeds N      how many seeds (default 1000)
  --from N       the first seed (default 1)
  --fresh        start at a seed drawn now, and print it
  --minutes M    stop after M minutes
  --seed N       replay one seed; --mutant NAME switches a sabotage on
  --workers N    processes (default: one per core)
  --budget N     seeds per mutant (default 3000)
  --json         print the result as JSON`;

const SHRUNKEN_MAX = 3;
const SHOWN_MAX = 20;
const FRESH_SEEDS = 1_000_000_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string" },
    from: { type: "string", default: "1" },
    fresh: { type: "boolean", default: false },
    minutes: { type: "string" },
    seed: { type: "string" },
    mutant: { type: "string" },
    workers: { type: "string" },
    budget: { type: "string", default: "3000" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) {
    print(USAGE);
    return 0;
  }
  if (values.mutant !== undefined && MUTANTS[values.mutant] === undefined) {
    process.stderr.write(`no such mutant; there are ${Object.keys(MUTANTS).join(", ")}\n`);
    return 2;
  }
  if (positionals[0] === "mutants") return mutants();
  return values.seed === undefined ? campaign() : replay(wholeNumber(values.seed));
}

async function replay(seed: number): Promise<number> {
  const sabotages = values.mutant === undefined ? [] : [values.mutant];
  const result = await simulate({ seed, sabotages, recording: true });
  print(values.json ? JSON.stringify(result) : counterexampleText(result));
  return result.violations.length === 0 ? 0 : 1;
}

async function campaign(): Promise<number> {
  const from = values.fresh ? Math.floor(Math.random() * FRESH_SEEDS) : wholeNumber(values.from);
  const timed = values.minutes !== undefined;
  const seeds =
    values.seeds === undefined
      ? timed
        ? Number.POSITIVE_INFINITY
        : 1_000
      : wholeNumber(values.seeds);
  const untilMs = timed ? performance.now() + Number(values.minutes) * 60_000 : Infinity;
  if (!values.json) print(`seeds from ${from}`);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  let shownMs = 0;
  let told = 0;
  const result = await runCampaign({
    from,
    seeds,
    untilMs,
    workers: workers(),
    now: () => performance.now(),
    stop: stop.signal,
    onProgress(sum, elapsedMs) {
      if (values.json) return;
      for (const { seed, invariant } of sum.violations.slice(told)) {
        process.stderr.write(`\rseed ${seed} breaks ${invariant}${" ".repeat(60)}\n`);
      }
      told = sum.violations.length;
      if (elapsedMs - shownMs < 1_000) return;
      shownMs = elapsedMs;
      process.stderr.write(`\r${progressText(sum, elapsedMs, seeds)}  `);
    },
  });
  if (!values.json) process.stderr.write("\n");
  const code = await conclude(result, from, seeds);
  if (!stop.signal.aborted) return code;
  print(`stopped; go on with --from ${result.nextSeed}`);
  return 130;
}

async function conclude(
  { sum, elapsedMs }: CampaignResult,
  from: number,
  seeds: number,
): Promise<number> {
  const missing = neverOccurred(sum);
  const failed = sum.violations.length > 0 || missing.length > 0;
  if (values.json) {
    print(JSON.stringify({ ...sum, from, elapsedMs, missing }));
    return failed ? 1 : 0;
  }
  print(progressText(sum, elapsedMs, seeds));
  print(
    `${sum.events} events, ${sum.acknowledged} acknowledged writes, ${Math.round(sum.virtualMs / 3_600_000)} hours of virtual time`,
  );
  print(coverageText(sum));
  if (missing.length > 0) print(`never occurred: ${missing.join(", ")}`);
  for (const { seed, invariant, sentence } of sum.violations) {
    print(`seed ${seed}: ${invariant}: ${sentence}`);
  }
  Error.stackTraceLimit = 0;
  for (const { seed } of sum.violations.slice(0, SHRUNKEN_MAX)) {
    const smallest = await shrink({ seed });
    if (smallest !== null) print(`\n${counterexampleText(smallest)}`);
  }
  print(failed ? failureText(sum.violations) : "every invariant held");
  return failed ? 1 : 0;
}

/** The last line: it is what remains of a long log. */
function failureText(violations: BatchSummary["violations"]): string {
  const [first] = violations;
  if (first === undefined) return "FAILED: situations never occurred";
  const seeds = violations.slice(0, SHOWN_MAX).map(({ seed }) => seed);
  return `FAILED: ${violations.length} violations, seeds ${seeds.join(", ")}; replay: npm run simulate -- --seed ${first.seed}`;
}

async function mutants(): Promise<number> {
  const names = values.mutant === undefined ? Object.keys(MUTANTS) : [values.mutant];
  const verdicts = await huntMutants({
    names,
    from: wholeNumber(values.from),
    budget: wholeNumber(values.budget),
    workers: workers(),
    onVerdict({ mutant, sabotage, caughtBy, seed, seeds }) {
      if (values.json) return;
      const verdict =
        caughtBy === null
          ? `SURVIVED ${seeds} seeds`
          : `caught by ${caughtBy} after ${seeds} seeds (seed ${seed})`;
      print(`${mutant.padEnd(26)} ${verdict.padEnd(56)} ${sabotage}`);
    },
  });
  const survivors = verdicts.filter((verdict) => verdict.caughtBy === null);
  if (values.json) print(JSON.stringify(verdicts));
  else print(`${verdicts.length - survivors.length} of ${verdicts.length} sabotages were found`);
  return survivors.length === 0 ? 0 : 1;
}

function workers(): number {
  return values.workers === undefined ? availableParallelism() : wholeNumber(values.workers);
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new RangeError(`${text} is not a whole number`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Many seeds on several processes, with a progress line; and the hunt for mutants. */
import { type BatchOrder, type BatchSummary, NO_SEEDS, add } from "./batch.ts";
import { MUTANTS } from "./mutants.ts";
import { WorkerPool } from "./worker-pool.ts";

const BATCH = 25;

export interface CampaignOptions {
  readonly from: number;
  /** Infinity: until time is up. */
  readonly seeds: number;
  readonly untilMs: number;
  readonly workers: number;
  /** Milliseconds of a clock that never jumps. */
  readonly now: () => number;
  readonly onProgress: (sum: BatchSummary, elapsedMs: number) => void;
  /** Aborts when the user has had enough. */
  readonly stop: AbortSignal;
}

export interface CampaignResult {
  readonly sum: BatchSummary;
  readonly elapsedMs: number;
  /** Every seed below this one has been run. */
  readonly nextSeed: number;
}

/** Runs seeds until there are none left, time is up, or `stop` aborts. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { from, seeds, untilMs, workers, now, onProgress, stop } = options;
  const beganMs = now();
  let [next, sum] = [from, NO_SEEDS];
  const unfinished = new Set<number>();
  const pool = new WorkerPool(workers);
  try {
    await pool.run(
      () => {
        const left = from + seeds - next;
        if (left <= 0 || stop.aborted || now() >= untilMs) return null;
        const order = { from: next, count: Math.min(BATCH, left), ...PLAIN };
        unfinished.add(next);
        next += order.count;
        return order;
      },
      (summary, order) => {
        unfinished.delete(order.from);
        sum = add(sum, summary);
        onProgress(sum, now() - beganMs);
      },
    );
  } finally {
    pool.stop();
  }
  return { sum, elapsedMs: now() - beganMs, nextSeed: Math.min(next, ...unfinished) };
}

const PLAIN = { sabotages: [], untilViolation: false } as const;

export interface MutantVerdict {
  readonly mutant: string;
  readonly sabotage: string;
  /** Null: it survived. */
  readonly caughtBy: string | null;
  readonly seed: number | null;
  readonly seeds: number;
}

/** Lets each mutant run until it is caught or its budget is used up. */
export async function huntMutants(options: {
  readonly names: readonly string[];
  readonly from: number;
  readonly budget: number;
  readonly workers: number;
  readonly onVerdict: (verdict: MutantVerdict) => void;
}): Promise<readonly MutantVerdict[]> {
  const { names, from, budget, workers, onVerdict } = options;
  const waiting = [...names];
  const verdicts: MutantVerdict[] = [];
  const pool = new WorkerPool(Math.min(workers, Math.max(1, names.length)));
  try {
    await pool.run(
      (): BatchOrder | null => {
        const mutant = waiting.shift();
        if (mutant === undefined) return null;
        return { from, count: budget, sabotages: [mutant], untilViolation: true };
      },
      ({ violations, seeds }, order) => {
        const [mutant = ""] = order.sabotages;
        const [found] = violations;
        const verdict = {
          mutant,
          sabotage: MUTANTS[mutant] ?? "",
          caughtBy: found?.invariant ?? null,
          seed: found?.seed ?? null,
          seeds,
        };
        verdicts.push(verdict);
        onVerdict(verdict);
      },
    );
  } finally {
    pool.stop();
  }
  return verdicts;
}

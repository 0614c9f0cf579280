/**
 * Brings one range of names over, once: the unit of work that is shared among workers.
 *
 * 1. It goes through the range in order. `doneUpTo` is a name with nothing undone at or before it:
 *    whoever takes the work over begins there, and what was copied beyond is found in place.
 * 2. One object that fails does not stop the others; what can be tried again fails the range at its end.
 * 3. Nothing is deleted, and nothing is replaced but what `KeyMover` may replace.
 */
import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";
import type { KeyRange } from "../compare-keys.ts";
import type { CopyTools } from "../copy-tools.ts";
import { mergeListings, type Pair } from "../merge-listings.ts";
import type { ObjectPlace } from "../object-place.ts";
import { FINAL_FAILURES } from "./final-failures.ts";
import { KeyMover, type KeyMoverOptions } from "./key-mover.ts";

export interface BringRangeOptions extends Pick<KeyMoverOptions, "mayReplace"> {
  readonly source: ObjectPlace;
  readonly target: ObjectPlace;
  readonly tools: CopyTools;
  readonly range: KeyRange;
  /** Objects copied at the same time. */
  readonly inFlight: number;
  /** Asked before every batch of writes; see `ContinuousCopyOptions`. */
  readonly authority: (signal: AbortSignal) => Promise<void>;
  /** Told after every batch. */
  readonly onProgress?: (progress: RangeProgress) => void;
}

export interface RangeFailure {
  readonly name: string;
  readonly code: string;
  readonly message: string;
}

/** Counts are of this attempt. Plain JSON. */
export interface RangeProgress {
  /** Names compared. */
  readonly looked: number;
  /** Names that differed, as far as listings told. */
  readonly differing: number;
  readonly copied: number;
  readonly bytes: number;
  /** Objects that cannot be copied without a person. */
  readonly failed: number;
  /** The first of them. */
  readonly failures: readonly RangeFailure[];
  readonly doneUpTo: string | null;
}

const FAILURES_KEPT = 20;

/**
 * The range, complete; `report` always has the newest counts, also if this throws.
 * @throws {CloudPhoenixError} as `mergeListings` and `authority`; the first error of an object that may
 * be tried again, after all others were tried
 */
export async function bringRange(
  options: BringRangeOptions,
  signal: AbortSignal,
): Promise<RangeProgress> {
  return new RangeWalk(options, signal).run();
}

class RangeWalk {
  readonly #options: BringRangeOptions;
  readonly #signal: AbortSignal;
  readonly #mover: KeyMover;
  readonly #failures: RangeFailure[] = [];
  readonly #counts = { looked: 0, differing: 0, copied: 0, bytes: 0, failed: 0 };
  #doneUpTo: string | null;
  #passing: Error | null = null;

  constructor(options: BringRangeOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#mover = new KeyMover(options);
    this.#doneUpTo = options.range.after ?? null;
  }

  async run(): Promise<RangeProgress> {
    const { source, target, tools, range, onProgress } = this.#options;
    const { surroundings, retries } = tools;
    const merge = { surroundings, retries, range, signal: this.#signal };
    for await (const pairs of mergeListings(source, target, merge)) {
      this.#counts.looked += pairs.length;
      await this.#bringAll(pairs.filter(isWanted).map(({ name }) => name));
      if (this.#passing === null) this.#doneUpTo = pairs.at(-1)?.name ?? this.#doneUpTo;
      onProgress?.(this.#progress);
    }
    if (this.#passing !== null) throw this.#passing;
    return this.#progress;
  }

  get #progress(): RangeProgress {
    return { ...this.#counts, failures: [...this.#failures], doneUpTo: this.#doneUpTo };
  }

  async #bringAll(names: readonly string[]): Promise<void> {
    this.#counts.differing += names.length;
    const waiting = names.values();
    const { authority, inFlight } = this.#options;
    let nextMs = -Infinity;
    const lane = async (): Promise<void> => {
      for (const name of waiting) {
        const nowMs = this.#options.tools.surroundings.clock.now();
        if (nowMs >= nextMs) {
          await authority(this.#signal);
          nextMs = nowMs + AUTHORITY_MS;
        }
        await this.#bring(name);
      }
    };
    await allOrFirstError(Array.from({ length: Math.min(inFlight, names.length) }, lane));
  }

  async #bring(name: string): Promise<void> {
    try {
      const outcome = await this.#mover.bring(name, this.#signal);
      if (outcome.kind !== "copied") return;
      this.#counts.copied += 1;
      this.#counts.bytes += outcome.sizeBytes;
    } catch (error) {
      if (this.#signal.aborted) throw error;
      if (!FINAL_FAILURES.some((code) => hasCode(error, code))) {
        this.#passing ??= error instanceof Error ? error : new Error(String(error));
        return;
      }
      this.#counts.failed += 1;
      const code = error instanceof CloudPhoenixError ? error.code : "INTERNAL";
      if (this.#failures.length < FAILURES_KEPT) {
        this.#failures.push({ name, code, message: messageOf(error) });
      }
    }
  }
}

const AUTHORITY_MS = 100;

function isWanted({ kind }: Pair): boolean {
  return kind !== "same" && kind !== "onlyAtTarget";
}

/** Waits for all of them, so that nothing is under way afterwards; then throws the first error. */
async function allOrFirstError(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

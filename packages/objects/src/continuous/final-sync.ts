/**
 * The last look at a store that is being left: copies what it still has, for a bounded time.
 *
 * It is best effort: a source that does not answer at once is not waited for, and whatever was not
 * reached in time is said, never guessed. The target may be in use already: what was written there
 * stays (`KeyMover` replaces copies only).
 */
import { type BringRangeOptions, bringRange, type RangeProgress } from "./bring-range.ts";
import { CANARY_NAME } from "./canary.ts";

export interface FinalSyncOptions extends Omit<BringRangeOptions, "range" | "onProgress"> {
  /** For all of it. */
  readonly limitMs: number;
  /** How long the source may take for its first answer. */
  readonly answerMs: number;
}

/** Plain JSON. */
export interface FinalSyncResult {
  readonly copied: number;
  readonly bytes: number;
  /** Known to be missing still; null if the listings were not read to their end. */
  readonly left: number | null;
  /** Everything that was stored at `markMs` is at the target. */
  readonly complete: boolean;
  /** When it began, by the clock of this process, if it is complete. */
  readonly markMs: number | null;
  /** The first objects that need a person. */
  readonly failures: RangeProgress["failures"];
}

/** @throws {CloudPhoenixError} what `authority` is refused with, `ABORTED` */
export async function finalSync(
  options: FinalSyncOptions,
  signal: AbortSignal,
): Promise<FinalSyncResult> {
  const { source, tools, limitMs, answerMs, authority } = options;
  const beganMs = tools.surroundings.clock.now();
  let newest: RangeProgress | null = null;
  const onProgress = (progress: RangeProgress): void => {
    newest = progress;
  };
  const over = AbortSignal.timeout(limitMs);
  const limited = AbortSignal.any([signal, over]);
  await authority(signal);
  try {
    const answer = AbortSignal.any([limited, AbortSignal.timeout(answerMs)]);
    await source.store.head(source.prefix + CANARY_NAME, answer);
    const done = await bringRange({ ...options, range: {}, onProgress }, limited);
    const left = done.failed;
    return resultOf(done, { left, markMs: left === 0 ? beganMs : null });
  } catch (error) {
    if (signal.aborted) throw error;
    // Out of time, or the source is gone: what was copied until then counts.
    await authority(signal);
    return resultOf(newest, { left: null, markMs: null });
  }
}

function resultOf(
  progress: RangeProgress | null,
  { left, markMs }: { readonly left: number | null; readonly markMs: number | null },
): FinalSyncResult {
  return {
    copied: progress?.copied ?? 0,
    bytes: progress?.bytes ?? 0,
    left,
    complete: markMs !== null,
    markMs,
    failures: progress?.failures ?? [],
  };
}

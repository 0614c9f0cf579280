/**
 * The last look at a store that is being left: copies what it still has, for a bounded time.
 *
 * First what is known to be on its way, then both listings; what change events tell meanwhile is brought
 * at once, so that the newest objects of a large store do not depend on where a walk ends.
 *
 * It is best effort: a source that does not answer at once is not waited for, and whatever was not
 * reached in time is said, never guessed. The target may be in use already: what was written there
 * stays (`KeyMover` replaces copies only), and what was deleted there is not brought back, as far as it is
 * known to have been copied before.
 */
import { hasCode, messageOf } from "@cloudphoenix/core";
import type { ChangeHints } from "../change-hints.ts";
import { call } from "../copy-tools.ts";
import type { ObjectEntry } from "../object-store.ts";
import { CANARY_NAME } from "../own-names.ts";
import { type BringRangeOptions, type RangeProgress, walkRange } from "./bring-range.ts";
import { takeHints } from "./hint-intake.ts";
import { type BroughtCounts, NameBringer, type NamedObject } from "./name-bringer.ts";

export interface FinalSyncOptions
  extends Omit<BringRangeOptions, "range" | "onProgress" | "wasCopied"> {
  /** For all of it. */
  readonly limitMs: number;
  /** How long the source may take for its first answer. */
  readonly answerMs: number;
  /** Names that were on their way when the copier ended. */
  readonly known: readonly string[];
  /** What of the source is known to have been copied before; asked once the source has answered. */
  readonly copied: (signal: AbortSignal) => Promise<(source: ObjectEntry) => boolean>;
  /** Change events of the source; null if it has none. */
  readonly hints: ChangeHints | null;
  readonly log: (level: "info" | "warn", message: string) => void;
}

/** `objects`: the listings were read to their end, and `left` objects could not be copied. */
interface FinalSyncStop {
  readonly why: "no-answer" | "out-of-time" | "objects" | "failed";
  /** What went wrong, or went wrong first, in words; null where there was only no time. */
  readonly message: string | null;
}

/** Plain JSON. */
export interface FinalSyncResult {
  readonly copied: number;
  readonly bytes: number;
  /** Known to be missing still; null if the listings were not read to their end. */
  readonly left: number | null;
  /** Why not everything is at the target; null if it is. */
  readonly stopped: FinalSyncStop | null;
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
  const known = new NameBringer(options);
  let told: NameBringer | null = null;
  const beganMs = tools.surroundings.clock.now();
  let newest: RangeProgress | null = null;
  const onProgress = (progress: RangeProgress): void => {
    newest = progress;
  };
  const over = AbortSignal.timeout(limitMs);
  const limited = AbortSignal.any([signal, over]);
  const answer = AbortSignal.any([limited, AbortSignal.timeout(answerMs)]);
  let answered = false;
  await authority(signal);
  try {
    await source.store.head(source.prefix + CANARY_NAME, answer);
    answered = true;
    const wasCopied = await call(tools, limited, (asked) => options.copied(asked));
    await known.bring(options.known.map(unseen), limited);
    const walked = new AbortController();
    told = new NameBringer({ ...options, wasCopied });
    const heard = bringHeard(told, options, AbortSignal.any([limited, walked.signal]));
    try {
      const done = await walkRange({ ...options, wasCopied, range: {}, onProgress }, limited);
      const { passing, ...brought } = done;
      const left = done.failed + passing.count;
      const first = passing.first?.message ?? done.failures[0]?.message ?? null;
      const counts = [known.counts, told.counts, brought];
      if (left === 0) return resultOf(counts, { left, markMs: beganMs, stopped: null });
      return resultOf(counts, { left, markMs: null, stopped: { why: "objects", message: first } });
    } finally {
      walked.abort();
      await heard;
    }
  } catch (error) {
    if (signal.aborted) throw error;
    // Out of time, or the source is gone: what was copied until then counts.
    await authority(signal);
    const counts = [known.counts, told?.counts ?? null, newest];
    const stopped = stopOf(error, { answered, limited, answer });
    return resultOf(counts, { left: null, markMs: null, stopped });
  }
}

/** Ends with the signal. What fails here is for the walk, or for nobody. */
async function bringHeard(
  named: NameBringer,
  { hints, source, tools, log }: FinalSyncOptions,
  signal: AbortSignal,
): Promise<void> {
  if (hints === null) return;
  const names = new Set<string>();
  const heard = (name: string): void => void names.add(name);
  const bring = async (): Promise<void> => {
    while (!signal.aborted) {
      const batch = [...names].map(unseen);
      names.clear();
      await named.bring(batch, signal);
      await tools.surroundings.clock.sleep(HEARD_EVERY_MS, signal);
    }
  };
  await Promise.allSettled([
    takeHints(hints, { heard, prefix: source.prefix, log }, signal),
    bring(),
  ]);
}

/** A store that never answered may be gone; one that did has run out of time, or went wrong. */
function stopOf(
  error: unknown,
  {
    answered,
    limited,
    answer,
  }: {
    readonly answered: boolean;
    readonly limited: AbortSignal;
    readonly answer: AbortSignal;
  },
): FinalSyncStop {
  if (!answered && answer.aborted) return { why: "no-answer", message: null };
  if (!answered && hasCode(error, "OBJECT_STORE_UNREACHABLE")) {
    return { why: "no-answer", message: messageOf(error) };
  }
  if (limited.aborted) return { why: "out-of-time", message: null };
  return { why: "failed", message: messageOf(error) };
}

function resultOf(
  parts: readonly (BroughtCounts | null)[],
  { left, markMs, stopped }: Pick<FinalSyncResult, "left" | "markMs" | "stopped">,
): FinalSyncResult {
  const counts = parts.filter((part) => part !== null);
  const failures = new Map(
    counts.flatMap((part) => part.failures.map((failure) => [failure.name, failure] as const)),
  );
  return {
    copied: counts.reduce((sum, { copied }) => sum + copied, 0),
    bytes: counts.reduce((sum, { bytes }) => sum + bytes, 0),
    left,
    stopped,
    complete: markMs !== null,
    markMs,
    failures: [...failures.values()],
  };
}

/** Nobody has looked at the target for it. */
function unseen(name: string): NamedObject {
  return { name, atTarget: false };
}

const HEARD_EVERY_MS = 50;

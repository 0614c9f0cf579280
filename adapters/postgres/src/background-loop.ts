/** Doing something again and again in the background, each time with a deadline. */
import type { Clock } from "@cloudphoenix/engine";

export interface LoopOptions {
  readonly clock: Clock;
  readonly everyMs: number;
  /** Each turn is aborted after this long; the next one starts on time all the same. */
  readonly deadlineMs: number;
  /** Ends the loop. */
  readonly stop: AbortSignal;
}

/**
 * Calls `turn` until stopped. Turns never overlap. A turn that fails is a turn that saw nothing:
 * what matters about it is the age of the last one that did, which the readers of its results
 * report. Resolves once the last turn has ended.
 */
export async function loop(
  { clock, everyMs, deadlineMs, stop }: LoopOptions,
  turn: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  while (!stop.aborted) {
    const startedMs = clock.now();
    await withDeadline(clock, deadlineMs, stop, turn).catch(() => undefined);
    const restMs = Math.max(0, everyMs - (clock.now() - startedMs));
    await clock.sleep(restMs, stop).catch(() => undefined);
  }
}

/** A reason made once: without one, every abort makes an error with a stack of its own. */
const OVER = new Error("the turn is over");

async function withDeadline(
  clock: Clock,
  deadlineMs: number,
  stop: AbortSignal,
  turn: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const ending = new AbortController();
  const end = (): void => ending.abort(OVER);
  stop.addEventListener("abort", end, { once: true });
  clock.sleep(deadlineMs, ending.signal).then(end, () => undefined);
  try {
    await turn(ending.signal);
  } finally {
    stop.removeEventListener("abort", end);
    end();
  }
}

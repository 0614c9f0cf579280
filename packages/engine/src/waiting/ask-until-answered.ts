/** A question that is asked again when no answer comes: the question or its answer may be lost. */
import { hasCode } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import { withDeadline } from "./with-deadline.ts";

export interface PatientQuestion<T> {
  readonly clock: Clock;
  /** How long the first answer is waited for; each later one twice as long as the one before. */
  readonly patienceMs: number;
  /** Ends it: nothing else does while no answer comes. */
  readonly signal: AbortSignal;
  /** Whose answer is waited for, for the message. */
  readonly what: string;
  /** Idempotent: it may take effect although no answer came, and is asked again. */
  readonly ask: (signal: AbortSignal) => Promise<T>;
}

/**
 * The first answer, or the first error that is one: only silence makes it ask again. The wait
 * doubles, so that whoever is merely slow gets through as well.
 * @throws {CloudPhoenixError} `ABORTED`; otherwise what `ask` throws
 */
export async function askUntilAnswered<T>(question: PatientQuestion<T>): Promise<T> {
  const { clock, signal, what, ask } = question;
  for (let limitMs = question.patienceMs; ; limitMs *= 2) {
    const askedAtMs = clock.now();
    try {
      return await withDeadline({ clock, limitMs, signal, what }, ask);
    } catch (error) {
      // One that gave up by itself before has told what it knows.
      const silent = hasCode(error, "TIMED_OUT") && clock.now() - askedAtMs >= limitMs;
      if (!silent) throw error;
    }
  }
}

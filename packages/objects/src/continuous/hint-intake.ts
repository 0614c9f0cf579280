import { messageOf } from "@cloudphoenix/core";
import type { ChangeHintBatch, ChangeHints } from "../change-hints.ts";
import { CANARY_NAME, takesPart } from "../own-names.ts";

export interface HintIntake {
  /** A name may have changed at this instant, by the clock of the cloud. */
  readonly heard: (name: string, changedMs: number) => void;
  /** Keys without it are none of our business. */
  readonly prefix: string;
  readonly log: (level: "info" | "warn", message: string) => void;
}

/** Batches whose removal from the queue is under way while the next are taken. */
const REMOVALS_MAX = 8;

/**
 * Takes hints until the signal aborts. A batch is done as soon as it is noted in memory: whoever takes
 * over after a crash compares both listings first. One that cannot be removed comes again, harmlessly.
 * @throws {CloudPhoenixError} as `ChangeHints.batches`
 */
export async function takeHints(
  hints: ChangeHints,
  { heard, prefix, log }: HintIntake,
  signal: AbortSignal,
): Promise<void> {
  const removals = new Set<Promise<void>>();
  const remove = async (batch: ChangeHintBatch): Promise<void> => {
    try {
      await batch.done(signal);
    } catch (error) {
      if (!signal.aborted) log("warn", `hints will come again: ${messageOf(error)}`);
    }
  };
  for await (const batch of hints.batches(signal)) {
    for (const { key, atMs } of batch.hints) {
      const name = key.startsWith(prefix) ? key.slice(prefix.length) : "";
      if (takesPart(name) || name === CANARY_NAME) heard(name, atMs);
    }
    for (const { messageId, reason } of batch.setAside) {
      log("warn", `hint ${messageId} was not understood: ${reason}`);
    }
    const removal = remove(batch).finally(() => removals.delete(removal));
    removals.add(removal);
    if (removals.size >= REMOVALS_MAX) await Promise.race(removals);
  }
  await Promise.all(removals);
}

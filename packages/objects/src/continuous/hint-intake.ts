import type { ChangeHints } from "../change-hints.ts";

export interface HintIntake {
  /** A name may have changed at this instant, by the clock of the cloud. */
  readonly heard: (name: string, changedMs: number) => void;
  /** Keys without it are none of our business. */
  readonly prefix: string;
  readonly log: (level: "info" | "warn", message: string) => void;
}

/**
 * Takes hints until the signal aborts. A batch is done as soon as it is noted in memory: whoever takes
 * over after a crash compares both listings first.
 * @throws {CloudPhoenixError} as `ChangeHints.batches`
 */
export async function takeHints(
  hints: ChangeHints,
  { heard, prefix, log }: HintIntake,
  signal: AbortSignal,
): Promise<void> {
  for await (const batch of hints.batches(signal)) {
    for (const { key, atMs } of batch.hints) {
      if (key.startsWith(prefix)) heard(key.slice(prefix.length), atMs);
    }
    for (const { messageId, reason } of batch.setAside) {
      log("warn", `hint ${messageId} was not understood: ${reason}`);
    }
    await batch.done(signal);
  }
}

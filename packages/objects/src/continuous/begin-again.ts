import { hasCode, messageOf } from "@cloudphoenix/core";
import type { Surroundings } from "../surroundings.ts";

/** How long whatever failed rests before it is tried again. */
export const LOOP_AGAIN_MS: number = 1_000;

const NO_AUTHORITY = ["STALE_GENERATION", "CLAIM_LOST"] as const;

export interface AgainOptions {
  /** What is said to have failed. */
  readonly what: string;
  readonly loop: () => Promise<void>;
  readonly clock: Surroundings["clock"];
  readonly log: (level: "info" | "warn", message: string) => void;
}

/**
 * Begins a loop anew whenever it ends or fails; the same trouble is said once.
 * @throws {CloudPhoenixError} `STALE_GENERATION`, `CLAIM_LOST`, and whatever it throws once `signal` has aborted
 */
export async function beginAgain(
  { what, loop, clock, log }: AgainOptions,
  signal: AbortSignal,
): Promise<never> {
  let said = "";
  for (;;) {
    try {
      await loop();
    } catch (error) {
      if (signal.aborted || NO_AUTHORITY.some((code) => hasCode(error, code))) throw error;
      const message = `${what}: ${messageOf(error)}`;
      if (message !== said) log("warn", message);
      said = message;
    }
    await clock.sleep(LOOP_AGAIN_MS, signal);
  }
}

/** Store writes that outlast an outage of the state database. */
import type { Clock } from "../ports/clock.ts";

const PAUSE_FIRST_MS = 50;
const PAUSE_MAX_MS = 2_000;
/**
 * About two days. Giving up ends the run for ever, half-done; a disk that is full or a password that
 * was changed waits for a person, and persons sleep. Who leads no more is ended by other means.
 */
const TRIES_MAX = 86_400;

/**
 * Repeats `write` while it fails in a way that may pass. The writes are idempotent, and giving up
 * would end a half-done plan, so the limit is far away.
 * @throws what `write` threw, if that is final or the tries are used up
 */
export async function persist<T>(clock: Clock, write: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await write();
    } catch (error) {
      if (tried >= TRIES_MAX || !mayPass(error)) throw error;
      await clock.sleep(Math.min(PAUSE_FIRST_MS * 2 ** (tried - 1), PAUSE_MAX_MS));
    }
  }
}

function mayPass(error: unknown): boolean {
  return (
    typeof error === "object" && error !== null && "retryable" in error && error.retryable === true
  );
}

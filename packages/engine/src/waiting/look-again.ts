/** Looking at something again and again, whatever one look comes to. */
import { messageOf } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";

export interface LookAgain {
  readonly clock: Clock;
  /** Rest between two looks. */
  readonly everyMs: number;
  /** Told when a look failed; the next one comes all the same. */
  readonly trouble: (message: string) => void;
}

/** Looks at once, and again and again until `stop` aborts. Never throws. */
export async function lookAgain(
  { clock, everyMs, trouble }: LookAgain,
  look: (stop: AbortSignal) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    await look(stop).catch((error: unknown) => {
      if (!stop.aborted) trouble(messageOf(error));
    });
    await clock.sleep(everyMs, stop).catch(() => undefined);
  }
}

/** Telling people something: within a time limit, and never at the cost of what is told about. */
import { messageOf } from "@cloudphoenix/core";
import type { Clock } from "../ports/clock.ts";
import type { Notice, Notifier } from "../ports/notifier.ts";
import { withDeadline } from "./with-deadline.ts";

export interface TellPeople {
  readonly clock: Clock;
  readonly notifier: Notifier;
  /** Default: 3 seconds. */
  readonly limitMs?: number;
}

/** Sends a notice. Null once it is delivered, otherwise why it was not. Never throws. */
export async function tellPeople(
  { clock, notifier, limitMs = 3_000 }: TellPeople,
  notice: Notice,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    await withDeadline({ clock, limitMs, signal, what: "the notice" }, (limited) =>
      notifier.notify(notice, limited),
    );
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

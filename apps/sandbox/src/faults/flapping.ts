import type { LinkSpec } from "../network/operations.ts";
import type { Fault } from "./fault.ts";

/**
 * Down for less than the second between two probes and up for longer than it, so that no probe sees
 * two refusals in a row: trouble that never lasts as long as a level has to hold (2 s). Both together
 * are no multiple of that second, or a probe that is asked while it works would be for ever.
 */
const DOWN_MS = 700;
const UP_MS = 1_400;

/** The entry refuses and works in turns. */
export const flapping: Fault = {
  name: "flapping",
  description: `The entry refuses every connection for ${DOWN_MS} ms, works for ${UP_MS} ms, and so on.`,
  rightReaction: "Nothing: trouble that does not hold must not move anything.",
  lasting: true,
  apply: async ({ place, impair, repair }) => {
    const intoEntry = ({ to, what }: LinkSpec): boolean =>
      to === place.cloud && (what === "entry" || what === "uptime");
    let timer: NodeJS.Timeout | null = null;
    let last: Promise<unknown> = Promise.resolve();
    const down = (): void => {
      last = impair(intoEntry, { refuse: true });
      timer = setTimeout(up, DOWN_MS);
    };
    const up = (): void => {
      last = repair();
      timer = setTimeout(down, UP_MS);
    };
    const { atMs } = await impair(intoEntry, { refuse: true });
    timer = setTimeout(up, DOWN_MS);
    const mend = async (): Promise<void> => {
      if (timer !== null) clearTimeout(timer);
      await last;
      await repair();
    };
    return { atMs, mend };
  },
};

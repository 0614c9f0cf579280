import type { Fault } from "./fault.ts";

/** On every answer: above the 200 ms at which the service calls itself degraded, below probe timeouts. */
const EXTRA_MS = 300;

/** The database answers, only late. */
export const dbSlowdown: Fault = {
  name: "db-slowdown",
  description: `Every answer of the database reaches the pods ${EXTRA_MS} ms later.`,
  rightReaction: "Nothing graver than healing in place: a slow site is not a dead one.",
  lasting: true,
  apply: async ({ site }) => {
    const { atMs } = await site.impairDatabase({ extraDelayMs: { backward: EXTRA_MS } });
    return { atMs, mend: async () => void (await site.impairDatabase(null)) };
  },
};

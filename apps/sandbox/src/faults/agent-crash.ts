import type { Fault } from "./fault.ts";

/** A restarted agent knows nothing and needs to know nothing. */
export const agentCrash: Fault = {
  name: "agent-crash",
  description: "The site's agent is killed; its service manager starts it again.",
  rightReaction: "Nothing: it is back before the lease ends, and users notice nothing.",
  lasting: false,
  apply: async ({ site }) => {
    const { atMs } = await site.signalAgent("crash");
    return { atMs, mend: async () => undefined };
  },
};

import type { Fault } from "./fault.ts";

/** The worst moment to stand still is between asking for the lease and installing it. */
export const agentFreeze: Fault = {
  name: "agent-freeze",
  description: "The site's agent stands still (SIGSTOP) and goes on where it was when mended.",
  rightReaction:
    "The lease ends by itself; what the agent does when it goes on gives it no more time.",
  lasting: true,
  apply: async ({ site }) => {
    const { atMs } = await site.signalAgent("freeze");
    return { atMs, mend: async () => void (await site.signalAgent("thaw")) };
  },
};

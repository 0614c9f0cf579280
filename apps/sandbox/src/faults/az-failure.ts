import type { Fault } from "./fault.ts";

/** Any of the zones would do; tests rely on it being the first. */
const ZONE = "a";

/** One availability zone is gone: its node, and the pod on it. */
export const azFailure: Fault = {
  name: "az-failure",
  description: `Zone ${ZONE} fails: its node is down and the pod on it is dead.`,
  rightReaction: "Heal in place: bring the lost pod up on the node of the other zone.",
  lasting: true,
  apply: async ({ site }) => {
    const { atMs } = await site.failZone(ZONE);
    const mend = async (): Promise<void> => {
      await site.restoreZone(ZONE);
      await site.restartPods();
    };
    return { atMs, mend };
  },
};

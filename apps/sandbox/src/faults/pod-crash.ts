import type { Fault } from "./fault.ts";

/** One replica dies and does not come back by itself, as in the crash loop of a broken node. */
export const podCrash: Fault = {
  name: "pod-crash",
  description: "One of the two pods is killed and stays down.",
  rightReaction: "Heal in place: restart the workload; nothing moves.",
  lasting: false,
  apply: async ({ site }) => {
    const { atMs } = await site.crashPod();
    return { atMs, mend: () => site.restartPods() };
  },
};

import { type Fault, linksOf } from "./fault.ts";

/** Everything of the site is gone at once, and with it every byte that was on its way out. */
export const regionLoss: Fault = {
  name: "region-loss",
  description: "Every process of the site is killed and all its links are cut at the same instant.",
  rightReaction: "Fail over to the other cloud within the objectives and say what was lost.",
  lasting: true,
  apply: async ({ place, site, impair, repair }) => {
    // Both at once: cutting late would let bytes escape that a real loss swallows.
    const [{ atMs }] = await Promise.all([impair(linksOf(place), { cut: "both" }), site.lose()]);
    const mend = async (): Promise<void> => {
      await site.bringBack();
      await repair();
    };
    return { atMs, mend };
  },
};

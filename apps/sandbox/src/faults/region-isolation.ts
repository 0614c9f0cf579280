import { type Fault, linksOf } from "./fault.ts";

/** The site lives on and nobody can reach it: the case in which two writers are closest. */
export const regionIsolation: Fault = {
  name: "region-isolation",
  description: "Every link into and out of the site is cut; the site itself keeps running.",
  rightReaction: "Fail over, with the old site fenced from outside before the new one is promoted.",
  lasting: true,
  apply: async ({ place, impair, repair }) => {
    const { atMs } = await impair(linksOf(place), { cut: "both" });
    return { atMs, mend: async () => void (await repair()) };
  },
};

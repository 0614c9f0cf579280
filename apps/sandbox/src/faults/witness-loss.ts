import type { Fault } from "./fault.ts";

/** The site's agent cannot renew the lease; everything else works. */
export const witnessLoss: Fault = {
  name: "witness-loss",
  description: "The way of the site's agent to the witness of the writer lease is cut.",
  rightReaction:
    "With consistency: the site stops taking writes when its lease ends. With availability: it goes on while the other site promises to stay closed.",
  lasting: true,
  apply: async ({ place, impair, repair }) => {
    const { atMs } = await impair(({ from, what }) => from === place.cloud && what === "witness", {
      cut: "both",
    });
    return { atMs, mend: async () => void (await repair()) };
  },
};

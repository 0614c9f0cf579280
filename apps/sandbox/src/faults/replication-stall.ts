import type { Fault } from "./fault.ts";

/** The standby stops receiving; nobody else notices. */
export const replicationStall: Fault = {
  name: "replication-stall",
  description: "The link over which the other site follows this one's database is cut.",
  rightReaction: "Report the growing lag and refuse to move by itself: the standby is stale.",
  lasting: true,
  apply: async ({ place, peer, impair, repair }) => {
    const { atMs } = await impair(
      ({ from, to, what }) => from === peer.cloud && to === place.cloud && what === "postgres",
      { cut: "both" },
    );
    return { atMs, mend: async () => void (await repair()) };
  },
};

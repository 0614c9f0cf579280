import type { LinkSpec } from "../network/operations.ts";
import type { Fault } from "./fault.ts";

/** Users and replication go their own ways and are not touched. */
function isMonitoring({ from, what }: LinkSpec, clouds: readonly string[]): boolean {
  const betweenSites = clouds.includes(from) && what === "entry";
  return from === "control" || what === "live" || what === "uptime" || betweenSites;
}

/** Everything that watches is cut off, canaries included; the application is fine. */
export const monitorBlind: Fault = {
  name: "monitor-blind",
  description: "Every path of monitoring, its canaries included, is cut; users notice nothing.",
  rightReaction: "Nothing: if everything is red at once, the monitor is what failed.",
  lasting: true,
  apply: async ({ place, peer, impair, repair }) => {
    const clouds = [place.cloud, peer.cloud];
    const { atMs } = await impair((link) => isMonitoring(link, clouds), { cut: "both" });
    return { atMs, mend: async () => void (await repair()) };
  },
};

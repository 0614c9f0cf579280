import { describeTrafficSwitch } from "@cloudphoenix/testkit";
import { NEVER, openWorld } from "./dns-world.ts";

for (const transport of ["tcp", "udp"] as const) {
  describeTrafficSwitch({
    name: `RFC 2136 over ${transport}`,
    setup: async () => {
      const world = await openWorld();
      const traffic = world.trafficSwitch({ transport });
      await traffic.switchTo("aws-us-east-1", 1, NEVER);
      return {
        traffic,
        another: world.trafficSwitch({ transport }),
        sites: ["aws-us-east-1", "azure-westeurope"],
        stop: () => world.server.close(),
      };
    },
  });
}

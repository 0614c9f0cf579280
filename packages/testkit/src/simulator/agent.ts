/** The agent of a site: keeps the lease, promises to peers, and asks probes. */
import { LeaseKeeper, type LeasePeer } from "@cloudphoenix/engine";
import { siteLease } from "./database-ports.ts";
import * as sabotage from "./sabotage.ts";
import * as stalls from "./stalls.ts";
import type { Site } from "./sites.ts";
import type { World } from "./world.ts";

/** Starts what runs in the agent's process; called again after every restart of it. */
export function startAgent(world: World, site: Site): void {
  const { settings, network } = world;
  const client = site.agent;
  const lease = stalls.siteLease(
    world,
    sabotage.keeperLease(world, siteLease(world, client, site.id)),
  );
  const peers = world.sites
    .filter((other) => other !== site)
    .map((other): LeasePeer => {
      const local = siteLease(world, other.agent, other.id);
      return {
        site: other.id,
        promise: (wish, signal) =>
          network.call({
            from: client,
            to: other.agent,
            signal,
            effect: () => local.promise(wish, new AbortController().signal),
          }),
      };
    });
  const keeper = new LeaseKeeper({
    site: site.id,
    terms: settings.terms,
    clock: client.clock,
    witness: sabotage.keeperWitness(world, world.state.witnessFor(client)),
    lease,
    peers,
  });
  // Each incarnation runs until its process dies; nothing ever aborts it in an orderly way.
  void keeper.run(new AbortController().signal);
}

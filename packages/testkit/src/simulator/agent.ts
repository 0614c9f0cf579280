/** The agent of a site: keeps the lease, promises to peers, and asks probes. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import { LeaseKeeper, type LeasePeer, type LeaseWitness, type SiteLease } from "@cloudphoenix/engine";
import { siteLease } from "./database-ports.ts";
import type { Site } from "./sites.ts";
import type { World } from "./world.ts";

/** Starts what runs in the agent's process; called again after every restart of it. */
export function startAgent(world: World, site: Site): void {
  const { settings, network } = world;
  const client = site.agent;
  const lease = sabotagedLease(world, siteLease(world, client, site.id));
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
    witness: sabotagedWitness(world, world.state.witnessFor(client)),
    lease,
    peers,
  });
  // Each incarnation runs until its process dies; nothing ever aborts it in an orderly way.
  void keeper.run(new AbortController().signal);
}

/** The mutant that takes the end of the lease from a clock read after the grant. */
function sabotagedLease(world: World, lease: SiteLease): SiteLease {
  if (!world.sabotages.has("lease-from-late-clock")) return lease;
  return {
    ...lease,
    async extend({ epoch }, signal) {
      const { nowMs } = await lease.read(signal);
      await lease.extend({ epoch, untilMs: nowMs + world.settings.terms.ttlMs }, signal);
    },
  };
}

/** The mutant that takes silence for consent. */
function sabotagedWitness(world: World, witness: LeaseWitness): LeaseWitness {
  if (!world.sabotages.has("renew-on-silence")) return witness;
  let known: Awaited<ReturnType<LeaseWitness["read"]>> = null;
  const orElse = async <T>(answer: Promise<T>, fallback: () => T): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof CloudPhoenixError)) throw error;
      return fallback();
    }
  };
  const soon = (): AbortSignal => {
    const limit = new AbortController();
    void world.scheduler.after(200, () => limit.abort());
    return limit.signal;
  };
  return {
    async read() {
      known = await orElse(witness.read(soon()), () => known);
      return known;
    },
    replace: (next, expected) =>
      orElse(witness.replace(next, expected, soon()), () => expected ?? "granted"),
  };
}

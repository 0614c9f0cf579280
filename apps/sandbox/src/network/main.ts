/** The network process of a sandbox: a child of the world, steered over its IPC channel. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import { serveParent, systemClock } from "../process/index.ts";
import { type Network, startNetwork } from "./network.ts";
import type { Instant, NetworkOperations } from "./operations.ts";

let network: Network | null = null;

function running(): Network {
  if (network !== null) return network;
  throw new CloudPhoenixError("NOT_RUNNING", "the network has not started", { retryable: false });
}

function now(): Instant {
  return { atMs: Date.now() };
}

serveParent<NetworkOperations>(
  {
    start: async (spec) => {
      network = await startNetwork(spec, {
        clock: systemClock,
        random: { next: () => Math.random() },
      });
      return null;
    },
    impair: async ({ owner, links, impairment }) => {
      running().links.impair(owner, links, impairment);
      return now();
    },
    repair: async ({ owner }) => {
      running().links.repair(owner);
      return now();
    },
    stats: async () => running().links.stats(),
  },
  // Nothing here outlives the process, so there is nothing to end in order.
  () => process.exit(0),
);

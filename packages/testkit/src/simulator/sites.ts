/** What a site is made of: a database, an agent, the pods users reach, the provider's API. */
import type { Site as SiteFacts, SiteId } from "@cloudphoenix/core";
import type { Database } from "./database.ts";
import type { Process } from "./process.ts";

/** A site of the simulated world. Names of its nodes: `<id>.db`, `.agent`, `.entry`, `.provider`. */
export interface Site extends SiteFacts {
  readonly database: Database;
  readonly agent: Process;
  /** The pods behind one load balancer. */
  readonly entry: Process;
  readonly provider: Process;
  readonly pods: { desired: number; ready: number };
  /** Whether its health check says bad although it works. */
  flapping: boolean;
  /** Generation of the last change of the platform. */
  platformGeneration: number;
  /** The network fence around it, kept by the network control outside every site. */
  readonly fence: { on: boolean; generation: number };
}

/** Nodes outside every site. */
export const STATE = "state";
export const INTERNET = "internet";
/** Network control, DNS and the targets of canaries. */
export const EDGE = "edge";

export function nodesOf(id: SiteId): readonly string[] {
  return [`${id}.db`, `${id}.agent`, `${id}.entry`, `${id}.provider`];
}

/** Whether the pods can reach clients and their database at all. */
export function serves(site: Site): boolean {
  return site.entry.running && site.pods.ready > 0;
}

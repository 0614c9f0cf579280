/** What every operation of this adapter works with. */
import type { DurabilityMode, SiteId } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";
import type { KeptSequences } from "./kept-sequences.ts";
import type { PostgresLimits } from "./postgres-options.ts";
import type { ReplicationMemory } from "./replication-memory.ts";
import type { SiteConnections } from "./site-connections.ts";

export interface PostgresContext {
  readonly application: string;
  readonly sites: readonly SiteId[];
  readonly durability: DurabilityMode;
  readonly clock: Clock;
  readonly limits: PostgresLimits;
  readonly connections: SiteConnections;
  /** What the watch saw last; operations read it when a site can no longer be asked. */
  readonly memory: ReplicationMemory;
  /** What the watch of an earlier leader saw of sequences, where this one saw nothing. */
  readonly keptSequences: KeptSequences;
}

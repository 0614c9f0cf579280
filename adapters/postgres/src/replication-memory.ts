/** What was last seen at sites that may be gone by now. Written by the watch. */
import type { SiteId } from "@cloudphoenix/core";

/** A heartbeat the site acknowledged. */
export interface HeartbeatSeen {
  /** Written into the row: epoch ms on the controller's clock. */
  readonly atMs: number;
  /** How far the site's log reached then. */
  readonly walLsn: bigint;
}

export class ReplicationMemory {
  readonly #heartbeats = new Map<SiteId, HeartbeatSeen>();
  readonly #sequences = new Map<SiteId, ReadonlyMap<string, bigint>>();

  heartbeat(site: SiteId): HeartbeatSeen | null {
    return this.#heartbeats.get(site) ?? null;
  }

  noteHeartbeat(site: SiteId, seen: HeartbeatSeen): void {
    this.#heartbeats.set(site, seen);
  }

  /** Qualified name → last value when it was sampled last. Empty if never. */
  sequences(site: SiteId): ReadonlyMap<string, bigint> {
    return this.#sequences.get(site) ?? new Map();
  }

  noteSequences(site: SiteId, lastValues: ReadonlyMap<string, bigint>): void {
    this.#sequences.set(site, lastValues);
  }
}

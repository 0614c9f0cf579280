/** What was last seen at sites that may be gone by now. Written by the watch. */
import type { SiteId } from "@cloudphoenix/core";

/** A heartbeat the site acknowledged. */
export interface HeartbeatSeen {
  /** Written into the row: epoch ms on the controller's clock. */
  readonly atMs: number;
  /** How far the site's log reached then. */
  readonly walLsn: bigint;
  /** Whether the application could write then. */
  readonly writesOpen: boolean;
}

export class ReplicationMemory {
  readonly #heartbeats = new Map<SiteId, HeartbeatSeen>();
  readonly #beforeStop = new Map<SiteId, HeartbeatSeen>();
  /** Sites whose writers are proven to have stopped, and whether a heartbeat was seen since. */
  readonly #stopped = new Map<SiteId, boolean>();
  readonly #sequences = new Map<SiteId, ReadonlyMap<string, bigint>>();

  heartbeat(site: SiteId): HeartbeatSeen | null {
    return this.#heartbeats.get(site) ?? null;
  }

  /** The newest heartbeat that came before the writers stopped, or right after. */
  lastBeforeStop(site: SiteId): HeartbeatSeen | null {
    return this.#beforeStop.get(site) ?? null;
  }

  noteHeartbeat(site: SiteId, seen: HeartbeatSeen): void {
    this.#heartbeats.set(site, seen);
    if (seen.writesOpen) this.#stopped.delete(site);
    else if (this.#stopped.get(site) === true) return;
    // The first one after the stop still counts: it says until when they may have written.
    else if (this.#stopped.has(site)) this.#stopped.set(site, true);
    this.#beforeStop.set(site, seen);
  }

  /** The writers of `site` are proven to have stopped: heartbeats from now on bound no loss. */
  noteStopped(site: SiteId): void {
    if (!this.#stopped.has(site)) this.#stopped.set(site, false);
  }

  /** Qualified name → last value when it was sampled last. Empty if never. */
  sequences(site: SiteId): ReadonlyMap<string, bigint> {
    return this.#sequences.get(site) ?? new Map();
  }

  noteSequences(site: SiteId, lastValues: ReadonlyMap<string, bigint>): void {
    this.#sequences.set(site, lastValues);
  }
}

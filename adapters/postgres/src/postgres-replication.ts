/** Everything this adapter offers, wired together once. */
import type { SiteId } from "@cloudphoenix/core";
import type { DatabaseControl, Fencer, Salvage, SiteLease } from "@cloudphoenix/engine";
import { PostgresSiteLease } from "./lease/postgres-site-lease.ts";
import type { PostgresContext } from "./postgres-context.ts";
import { PostgresDatabaseControl } from "./postgres-database-control.ts";
import { PostgresFencer } from "./postgres-fencer.ts";
import { DEFAULT_LIMITS, type PostgresOptions } from "./postgres-options.ts";
import { type KeyColumn, referencedKeys } from "./referenced-keys.ts";
import { ReplicationMemory } from "./replication-memory.ts";
import { PostgresReplicationWatch } from "./replication-watch.ts";
import { type SetupRequest, type SetupResult, setupReplication } from "./setup-replication.ts";
import { PostgresSalvage } from "./salvage/postgres-salvage.ts";
import { SiteConnections } from "./site-connections.ts";
import { releaseLease } from "./write-access.ts";

export class PostgresReplication {
  readonly control: DatabaseControl;
  readonly fencer: Fencer;
  readonly salvage: Salvage;
  readonly watch: PostgresReplicationWatch;
  readonly #context: PostgresContext;
  readonly #watching: SiteConnections;

  /**
   * Connects to nobody yet.
   * @param active - the site that is active now, as the roles say
   * @throws {CloudPhoenixError} `CONFIG_INVALID` if a URL is unusable or holds a password
   */
  constructor(options: PostgresOptions, active: SiteId) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#context = {
      application: options.application,
      sites: options.sites.map((one) => one.site),
      durability: options.durability,
      clock: options.clock,
      limits,
      connections: new SiteConnections(options, limits),
      memory: new ReplicationMemory(),
    };
    // The watch has sessions of its own: a step must not wait because a heartbeat hangs.
    this.#watching = new SiteConnections(options, limits);
    this.control = new PostgresDatabaseControl(this.#context);
    this.fencer = new PostgresFencer(this.#context);
    this.salvage = new PostgresSalvage(this.#context);
    this.watch = new PostgresReplicationWatch(
      { ...this.#context, connections: this.#watching },
      active,
    );
  }

  /** Makes one site the standby of the other. See `setup-replication.ts`. */
  setup(request: SetupRequest, signal: AbortSignal): Promise<SetupResult> {
    return setupReplication(this.#context, request, signal);
  }

  /** Pages of keys of objects that rows at `site` point to, in byte order. See `referenced-keys.ts`. */
  referencedKeys(
    site: SiteId,
    column: KeyColumn,
    signal: AbortSignal,
  ): AsyncIterable<readonly string[]> {
    return referencedKeys(this.#context, site, column, signal);
  }

  /** The writer lease of `site` as the controller reaches it. @throws `NOT_FOUND` for an unknown site */
  siteLease(site: SiteId): SiteLease {
    return new PostgresSiteLease(
      this.#context.connections.siteOf(site).site,
      this.#context.connections,
    );
  }

  /**
   * Frees `site` from a lease that is no longer configured. Call it at every start without leases:
   * a site that is still leased stops taking writes when its agent stops renewing. Idempotent.
   */
  releaseLease(site: SiteId, signal: AbortSignal): Promise<void> {
    return releaseLease(this.#context, site, signal);
  }

  /** Stops watching and ends every session. */
  async close(): Promise<void> {
    await this.watch.stop();
    await Promise.all([this.#context.connections.close(), this.#watching.close()]);
  }
}

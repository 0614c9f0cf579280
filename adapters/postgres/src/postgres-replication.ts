/** Everything this adapter offers, wired together once. */
import type { SiteId } from "@cloudphoenix/core";
import type {
  DatabaseControl,
  Fencer,
  ReplicationSetup,
  Salvage,
  SetupForecast,
  SetupPair,
  SetupRequest,
  SetupResult,
  SiteLease,
} from "@cloudphoenix/engine";
import { forecastSetup } from "./forecast-setup.ts";
import { KeptSequences } from "./kept-sequences.ts";
import { PostgresSiteLease } from "./lease/postgres-site-lease.ts";
import type { PostgresContext } from "./postgres-context.ts";
import { PostgresDatabaseControl } from "./postgres-database-control.ts";
import { PostgresFencer } from "./postgres-fencer.ts";
import { DEFAULT_LIMITS, type PostgresOptions } from "./postgres-options.ts";
import { type KeyColumn, referencedKeys } from "./referenced-keys.ts";
import { ReplicationMemory } from "./replication-memory.ts";
import { PostgresReplicationWatch } from "./replication-watch.ts";
import { setupReplication } from "./setup-replication.ts";
import { PostgresSalvage } from "./salvage/postgres-salvage.ts";
import { SiteConnections } from "./site-connections.ts";
import { releaseLease } from "./write-access.ts";

export class PostgresReplication implements ReplicationSetup {
  readonly control: DatabaseControl;
  readonly fencer: Fencer;
  readonly salvage: Salvage;
  readonly watch: PostgresReplicationWatch;
  readonly #context: PostgresContext;
  readonly #watching: SiteConnections;
  readonly #settingUp: PostgresContext;

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
      keptSequences: new KeptSequences(options.facts ?? null),
    };
    // The watch has sessions of its own: a step must not wait because a heartbeat hangs.
    this.#watching = new SiteConnections(options, limits);
    // So has set-up: a copy of hours must not take the sessions of a promotion.
    this.#settingUp = { ...this.#context, connections: new SiteConnections(options, limits) };
    this.control = new PostgresDatabaseControl(this.#context);
    this.fencer = new PostgresFencer(this.#context);
    this.salvage = new PostgresSalvage(this.#context);
    this.watch = new PostgresReplicationWatch(
      { ...this.#context, connections: this.#watching },
      active,
    );
  }

  /** Makes one site the standby of the other. See `setup-replication.ts`. */
  async setup(request: SetupRequest, signal: AbortSignal): Promise<SetupResult> {
    const result = await setupReplication(this.#settingUp, request, signal);
    this.watch.compareSoon();
    return result;
  }

  /** What that would meet and make; changes nothing. See `forecast-setup.ts`. */
  forecast(pair: SetupPair, signal: AbortSignal): Promise<SetupForecast> {
    return forecastSetup(this.#settingUp, pair, signal);
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
    await Promise.all(
      [this.#context, this.#settingUp].map(({ connections }) => connections.close()),
    );
    await this.#watching.close();
  }
}

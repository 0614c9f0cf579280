/**
 * Sessions with the databases of all sites.
 *
 * 1. A site that does not answer costs its own callers the connect limit and nobody else anything.
 * 2. Aborting ends the session at once, also in the middle of a statement.
 * 3. A session whose state is not known is thrown away, never lent again.
 * 4. Our own commits never wait for a standby (`synchronous_commit=local`): control must work while
 *    the other site is down. Nor does a read-only default of a quarantined server bind us.
 */
import { CloudPhoenixError, type SiteId } from "@cloudphoenix/core";
import { Pool, type PoolClient, type QueryResult } from "pg";
import { clientConfig } from "./client-config.ts";
import { databaseError, leavesSessionUsable } from "./database-error.ts";
import { SESSION_NAME } from "./object-names.ts";
import type { PostgresLimits, PostgresOptions, PostgresSite } from "./postgres-options.ts";

/**
 * Qualified names, and one way to print every value, whatever a server or database is set to: what
 * is printed here is compared, and written, at the other site.
 */
export const PRINT_SETTINGS: string = [
  "search_path=pg_catalog",
  "TimeZone=UTC",
  "DateStyle=ISO",
  "IntervalStyle=postgres",
  "extra_float_digits=3",
  "bytea_output=hex",
]
  .map((setting) => `-c ${setting}`)
  .join(" ");

/** The same for all our sessions, and rule 4. */
const SESSION_SETTINGS = [
  PRINT_SETTINGS,
  "-c synchronous_commit=local",
  "-c default_transaction_read_only=off",
  // Should this process freeze inside a transaction, its locks must not outlive it for long.
  "-c idle_in_transaction_session_timeout=60000",
  // Should its host vanish, the server ends an idle session after 14 seconds, not after hours. Six
  // seconds without a network cost nothing: two of three probes may be lost. Unix sockets ignore it.
  "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3",
].join(" ");

/** The server stops a statement itself first; the client waits this much longer for the answer. */
const ANSWER_GRACE_MS = 500;

/** What may differ for one statement. */
export interface StatementOptions {
  /** Instead of the usual limit. */
  readonly timeoutMs?: number;
  /** Shown to observers instead of the text, when that holds a secret. */
  readonly shownAs?: string;
}

/** A session on loan. Statements run in order on one server process. */
export class SiteConnection {
  readonly site: SiteId;
  readonly #client: Pick<PoolClient, "query">;
  readonly #place: string;
  readonly #observe: (statement: string) => void;
  #underWay = 0;
  usable = true;

  constructor(
    site: SiteId,
    parts: {
      readonly client: Pick<PoolClient, "query">;
      readonly place: string;
      readonly observe: (statement: string) => void;
    },
  ) {
    this.site = site;
    this.#client = parts.client;
    this.#place = parts.place;
    this.#observe = parts.observe;
  }

  /**
   * Runs one statement (or several without values, separated by `;`, rows of the last).
   * @throws {CloudPhoenixError} named after what the failure means
   */
  async query<Row extends object>(
    text: string,
    values: readonly unknown[] = [],
    options: StatementOptions = {},
  ): Promise<readonly Row[]> {
    this.#underWay += 1;
    try {
      this.#observe(options.shownAs ?? text);
      const config = {
        text,
        ...(values.length === 0 ? {} : { values: [...values] }),
        ...(options.timeoutMs === undefined
          ? {}
          : { query_timeout: options.timeoutMs + ANSWER_GRACE_MS }),
      };
      const result: QueryResult<Row> | QueryResult<Row>[] = await this.#client.query<Row>(config);
      return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows;
    } catch (error) {
      if (!leavesSessionUsable(error)) this.usable = false;
      throw databaseError(error, this.#place);
    } finally {
      this.#underWay -= 1;
    }
  }

  /**
   * Lets the server hear of a session that rests, also inside a transaction. Does nothing while a
   * statement is under way, and tells no observer: it is none of the work. Never throws.
   */
  async showLife(): Promise<void> {
    if (!this.usable || this.#underWay > 0) return;
    try {
      await this.#client.query("select");
    } catch (error) {
      if (!leavesSessionUsable(error)) this.usable = false;
    }
  }

  /** The only row of a statement that always has one. */
  async one<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row> {
    const [row] = await this.query<Row>(text, values);
    if (row === undefined) {
      throw new CloudPhoenixError("INTERNAL", `${this.#place}: no row came back`, {
        retryable: false,
      });
    }
    return row;
  }

  /** Runs `work` in a transaction: all of it or nothing. `begin` may carry settings. */
  async transaction<T>(work: () => Promise<T>, begin = "begin"): Promise<T> {
    await this.query(begin);
    try {
      const result = await work();
      await this.query("commit");
      return result;
    } catch (error) {
      // Whatever state the session is in now, throwing it away ends the transaction.
      if (this.usable) await this.query("rollback").catch(() => (this.usable = false));
      throw error;
    }
  }
}

export class SiteConnections {
  readonly #sites: ReadonlyMap<SiteId, PostgresSite>;
  readonly #pools = new Map<SiteId, Pool>();
  readonly #limits: PostgresLimits;
  readonly #beforeStatement: PostgresOptions["beforeStatement"];

  /** Connects to nobody yet. @throws {CloudPhoenixError} `CONFIG_INVALID` if a URL is unusable */
  constructor(options: Pick<PostgresOptions, "sites" | "beforeStatement">, limits: PostgresLimits) {
    this.#sites = new Map(options.sites.map((site) => [site.site, site]));
    this.#limits = limits;
    this.#beforeStatement = options.beforeStatement;
    for (const site of options.sites) {
      clientConfig(site.adminUrl, `site ${site.site}`);
      clientConfig(site.peerUrl, `site ${site.site} for its peer`);
    }
  }

  /** Whether `site` writes only while it holds the writer lease. */
  isLeased(site: SiteId): boolean {
    return (this.siteOf(site).agentRole ?? null) !== null;
  }

  /** What is configured for `site`. @throws {CloudPhoenixError} `NOT_FOUND` */
  siteOf(site: SiteId): PostgresSite {
    const found = this.#sites.get(site);
    if (found === undefined) {
      throw new CloudPhoenixError("NOT_FOUND", `no database is configured for site ${site}`, {
        retryable: false,
      });
    }
    return found;
  }

  /**
   * Lends a session at `site` to `work`.
   * @throws {CloudPhoenixError} `UNREACHABLE`, `UNAUTHORIZED`, `TIMED_OUT`, `ABORTED`, and what
   *   `work` throws
   */
  async withSession<T>(
    site: SiteId,
    signal: AbortSignal,
    work: (connection: SiteConnection) => Promise<T>,
  ): Promise<T> {
    const place = placeOf(this.siteOf(site));
    const client = await this.#connect(site, place, signal);
    const connection = new SiteConnection(site, {
      client,
      place,
      observe: (statement) => this.#beforeStatement?.(site, statement),
    });
    const lease = new Lease(client);
    const onAbort = (): void => lease.end(true);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await work(connection);
    } catch (error) {
      throw signal.aborted ? abortedAt(place, error) : error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      lease.end(!connection.usable);
    }
  }

  /** Ends every session. Sessions on loan end when they are given back. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.end()));
  }

  async #connect(site: SiteId, place: string, signal: AbortSignal): Promise<PoolClient> {
    if (signal.aborted) throw abortedAt(place, signal.reason);
    const pending = this.#poolOf(site).connect();
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(abortedAt(place, signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([pending, aborted.promise]);
    } catch (error) {
      // A connection that arrives after we gave up belongs to nobody.
      pending.then(
        (late) => late.release(true),
        () => undefined,
      );
      throw databaseError(error, place);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #poolOf(site: SiteId): Pool {
    const existing = this.#pools.get(site);
    if (existing !== undefined) return existing;
    const { adminUrl, adminPassword } = this.siteOf(site);
    const pool = new Pool({
      ...clientConfig(adminUrl, `site ${site}`),
      password: adminPassword,
      application_name: SESSION_NAME,
      options: SESSION_SETTINGS,
      max: this.#limits.connections,
      connectionTimeoutMillis: this.#limits.connectMs,
      statement_timeout: this.#limits.statementMs,
      query_timeout: this.#limits.statementMs + ANSWER_GRACE_MS,
      idleTimeoutMillis: 10_000,
      keepAlive: true,
      allowExitOnIdle: true,
    });
    // A server that dies breaks idle sessions and sessions on loan. The statement in flight, if
    // any, reports it; without a listener the event itself would end the process.
    pool.on("error", () => undefined);
    pool.on("connect", (client) => client.on("error", () => undefined));
    this.#pools.set(site, pool);
    return pool;
  }
}

/** Gives a session back once, whoever comes first: its user, or an abort. */
class Lease {
  readonly #client: PoolClient;
  #ended = false;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  end(throwAway: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#client.release(throwAway);
  }
}

/** A site and its address, as errors name them. */
export function placeOf(site: PostgresSite): string {
  const { hostname, port } = new URL(site.adminUrl);
  return `site ${site.site} (${hostname}:${port === "" ? "5432" : port})`;
}

function abortedAt(place: string, cause: unknown): CloudPhoenixError {
  return new CloudPhoenixError("ABORTED", `${place}: given up before it answered`, {
    retryable: true,
    cause,
  });
}

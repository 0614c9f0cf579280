/**
 * Connections to one PostgreSQL that come and go with the server.
 *
 * 1. Every wait ends: for a connection, for a statement.
 * 2. A connection whose state is not known is thrown away, never handed out again.
 * 3. A dying server costs requests, never the process: connections that break are reported and
 *    replaced when needed.
 * 4. `renew` leaves nobody behind on an old server: idle connections close at once, lent ones when
 *    they come back, new ones resolve the name again, and whoever waits for one of the old waits for
 *    one of the new instead.
 */
import { Pool, type ClientConfig, type PoolClient } from "pg";
import { SaturatedError } from "../errors/failures.ts";
import { monotonicMs, type Deadline } from "../resilience/deadline.ts";
import { LentConnection, type StatementTerms } from "./connection.ts";
import type { DatabaseAddress } from "./database-address.ts";
import type { EndpointWatch } from "./endpoint-watch.ts";
import { connectFailure, isAuthenticationFailure } from "./sql-state.ts";

/** A password that can change while the service runs. `Secret` is one. */
export interface PasswordSource {
  value(): Promise<string>;
  /** The value was refused: get a new one next time. */
  invalidate(): void;
}

/** How one pool differs from another on the same database. */
export interface PoolShape {
  readonly address: DatabaseAddress;
  readonly password: PasswordSource | null;
  /** Shown in the server's `pg_stat_activity`. */
  readonly name: string;
  readonly max: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly cancel: StatementTerms["cancel"];
  /** Statements are sent without waiting for the answers to those before. Default: not. */
  readonly pipeline?: boolean;
  readonly endpoint: EndpointWatch;
  /** A connection broke. The message is for the log. */
  readonly onLost: (error: Error) => void;
  readonly onDemoted: () => void;
  /** Called after every wait for a connection to lend, for metrics. */
  readonly onWaited?: ((seconds: number) => void) | undefined;
}

/** Connections open and idle, and requests waiting for one. */
export interface PoolUsage {
  readonly open: number;
  readonly idle: number;
  readonly waiting: number;
}

/** Waiting requests per connection before new ones are refused: beyond that they only time out. */
const WAITING_PER_CONNECTION = 20;

const POOL_SPEAKS_FIRST_MS = 20;

export class ConnectionPool {
  readonly #shape: PoolShape;
  /** Those who wait for a connection; called when they have to wait in another pool. */
  readonly #waiting = new Set<() => void>();
  #pool: Pool;

  constructor(shape: PoolShape) {
    this.#shape = shape;
    this.#pool = this.#open();
  }

  get usage(): PoolUsage {
    return {
      open: this.#pool.totalCount,
      idle: this.#pool.idleCount,
      waiting: this.#pool.waitingCount,
    };
  }

  /** Lends a connection to `work` and takes it back in every case. */
  async lend<T>(
    work: (connection: LentConnection) => Promise<T>,
    deadline: Deadline | undefined,
  ): Promise<T> {
    const { max, statementTimeoutMs, cancel, onDemoted } = this.#shape;
    if (this.#pool.waitingCount >= max * WAITING_PER_CONNECTION) {
      throw new SaturatedError("Too many requests wait for the database.");
    }
    deadline?.check();
    const client = await this.#timedConnect(deadline);
    const lent = new LentConnection(client, {
      timeoutMs: statementTimeoutMs,
      deadline,
      cancel,
      onDemoted,
    });
    try {
      return await work(lent);
    } finally {
      client.release(!lent.usable);
    }
  }

  /** Lends the driver's own connection to `work`, which answers whether the next may have it. */
  async lendClient(work: (client: PoolClient) => Promise<boolean>): Promise<void> {
    const client = await this.#connect(undefined);
    let usable = false;
    try {
      usable = await work(client);
    } finally {
      client.release(!usable);
    }
  }

  /** From now on every new loan is a new connection. */
  renew(): void {
    const old = this.#pool;
    this.#pool = this.#open();
    old.end().catch(this.#shape.onLost);
    // The driver's pool serves nobody any more once it is to end.
    for (const moveOn of this.#waiting) moveOn();
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #timedConnect(deadline: Deadline | undefined): Promise<PoolClient> {
    const startedMs = performance.now();
    try {
      return await this.#connect(deadline);
    } finally {
      this.#shape.onWaited?.((performance.now() - startedMs) / 1_000);
    }
  }

  async #connect(deadline: Deadline | undefined): Promise<PoolClient> {
    try {
      return await this.#connectOnce(deadline);
    } catch (error) {
      if (this.#shape.password === null || !isAuthenticationFailure(error)) throw error;
      // The password may have been rotated since it was read.
      this.#shape.password.invalidate();
      return this.#connectOnce(deadline);
    }
  }

  async #connectOnce(deadline: Deadline | undefined): Promise<PoolClient> {
    const { connectTimeoutMs } = this.#shape;
    // The pool has the same limit and knows better what took the time, so it may speak first.
    const limitMs = Math.min(
      connectTimeoutMs + POOL_SPEAKS_FIRST_MS,
      deadline?.remainingMs() ?? Number.POSITIVE_INFINITY,
    );
    const endMs = monotonicMs() + limitMs;
    try {
      for (;;) {
        // oxlint-disable-next-line no-await-in-loop -- each time another pool is waited for
        const client = await this.#wait(endMs - monotonicMs());
        if (client !== null) return client;
      }
    } catch (error) {
      throw connectFailure(error);
    }
  }

  /** A connection of the pool there is now; null if another pool has taken its place meanwhile. */
  #wait(limitMs: number): Promise<PoolClient | null> {
    const { promise, resolve, reject } = Promise.withResolvers<PoolClient | null>();
    let over = false;
    const end = (settle: () => void): void => {
      if (over) return;
      over = true;
      this.#waiting.delete(moveOn);
      clearTimeout(timer);
      settle();
    };
    const moveOn = (): void => end(() => resolve(null));
    const late = (): void =>
      end(() => reject(new SaturatedError("No database connection became free in time.")));
    const timer = setTimeout(late, Math.max(0, limitMs));
    this.#waiting.add(moveOn);
    this.#pool.connect().then(
      // What comes too late is of use to the next one.
      (client) => (over ? client.release() : end(() => resolve(client))),
      (error: unknown) => end(() => reject(error)),
    );
    return promise;
  }

  #open(): Pool {
    const pool = new Pool({
      ...clientConfigOf(this.#shape),
      max: this.#shape.max,
      connectionTimeoutMillis: this.#shape.connectTimeoutMs,
      idleTimeoutMillis: 30_000,
      // Whatever else is missed, connections leave an old server within five minutes.
      maxLifetimeSeconds: 300,
    });
    pool.on("error", this.#shape.onLost);
    // The pool listens only to idle connections. One that breaks on loan between two statements
    // would end the process; the next statement on it, or giving it back, finds out anyway.
    pool.on("connect", (client) => client.on("error", () => undefined));
    return pool;
  }
}

function clientConfigOf(shape: PoolShape): ClientConfig {
  const { address, password, endpoint } = shape;
  return {
    host: address.host,
    port: address.port,
    user: address.user,
    database: address.database,
    ssl:
      address.sslMode === "disable" ? false : { rejectUnauthorized: address.sslMode !== "require" },
    application_name: shape.name,
    statement_timeout: shape.statementTimeoutMs,
    pipeline: shape.pipeline ?? false,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    stream: () => endpoint.socket(),
    ...(password === null ? {} : { password: () => password.value() }),
  };
}

/**
 * The way to PostgreSQL: a pool that survives the server and never waits without a limit.
 *
 * 1. Every wait ends: for a connection, for a statement. A statement has three limits, each for
 *    what the one before cannot end: the server's own; a cancel request 100 ms later, because a
 *    commit that waits for a synchronous standby has no limit in the server and would leave a
 *    session behind for every retry; the client's after 500 ms, because a frozen server does nothing.
 * 2. A connection whose state is not known is thrown away, never handed out again.
 * 3. A dying server costs requests, never the process: idle connections that break are reported
 *    to `onLost` and replaced when needed.
 */
import { Pool, type PoolClient } from "pg";
import { clientConfig } from "./client-config.ts";
import { databaseFailure, isConnectionUsable } from "./database-failure.ts";
import { ServiceError } from "./service-error.ts";
import type { DatabaseSettings } from "./settings.ts";

/** How one pool differs from another on the same database. */
export interface PoolShape {
  /** Shown in the server's `pg_stat_activity`. */
  readonly name: string;
  readonly max: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** Asks the server, on another connection, to end what the session is doing. */
  readonly cancel: ((processId: number) => Promise<unknown>) | null;
  /** Called for every idle connection that breaks. */
  readonly onLost: (error: Error) => void;
}

/** A statement with its values. Named ones are prepared once per connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** A connection on loan: statements on it run on one server session, in order. */
export interface Connection {
  /** @throws {ServiceError} what the failure means to a client */
  query<Row extends object>(statement: Statement): Promise<readonly Row[]>;
  /** Calls `listener` for every notice of the server until the function it returns is called. */
  onNotice(listener: (notice: ServerNotice) => void): () => void;
}

/** The parts of a server notice that do not depend on the server's language. */
interface ServerNotice {
  /** Name of the function in PostgreSQL's source that raised it. */
  readonly routine?: string | undefined;
}

/** Waiting requests per connection before new ones are refused: beyond that they only time out. */
const WAITING_PER_CONNECTION = 20;

const CANCEL_AFTER_MS = 100;

export class Database {
  readonly #pool: Pool;
  readonly #shape: PoolShape;

  constructor(settings: DatabaseSettings, shape: PoolShape) {
    this.#shape = shape;
    this.#pool = new Pool({
      ...clientConfig(settings, { name: shape.name, timeoutMs: shape.statementTimeoutMs }),
      max: shape.max,
      connectionTimeoutMillis: shape.connectTimeoutMs,
      idleTimeoutMillis: 30_000,
      // Connections leave a server that was demoted behind the same name within five minutes.
      maxLifetimeSeconds: 300,
    });
    this.#pool.on("error", shape.onLost);
    // The pool listens only to idle connections. One that breaks on loan between two statements
    // would end the process; the next statement on it, or giving it back, finds out anyway.
    this.#pool.on("connect", (client) => client.on("error", () => undefined));
  }

  /** Connections open, idle, and requests waiting for one. */
  get usage(): { readonly open: number; readonly idle: number; readonly waiting: number } {
    return {
      open: this.#pool.totalCount,
      idle: this.#pool.idleCount,
      waiting: this.#pool.waitingCount,
    };
  }

  /**
   * Lends a connection to `work` and takes it back in every case.
   * @throws {ServiceError} `SATURATED` if too many wait already, `DATABASE_UNAVAILABLE` if no
   *   connection can be had; whatever `work` throws
   */
  async withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.#pool.waitingCount >= this.#shape.max * WAITING_PER_CONNECTION) {
      throw new ServiceError("SATURATED", "Too many requests wait for the database.");
    }
    const client = await this.#connect();
    const lent = new LentConnection(client, this.#shape);
    try {
      return await work(lent);
    } finally {
      client.release(!lent.usable);
    }
  }

  /** Runs one statement on any connection. */
  query<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    return this.withConnection((connection) => connection.query<Row>(statement));
  }

  /** Closes every connection once it is given back. */
  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw databaseFailure(error);
    }
  }
}

class LentConnection implements Connection {
  readonly #client: PoolClient;
  readonly #shape: PoolShape;
  usable = true;

  constructor(client: PoolClient, shape: PoolShape) {
    this.#client = client;
    this.#shape = shape;
  }

  async query<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    const timer = setTimeout(
      () => this.#cancel(),
      this.#shape.statementTimeoutMs + CANCEL_AFTER_MS,
    );
    try {
      const config = { ...statement, values: [...(statement.values ?? [])] };
      const result = await this.#client.query<Row>(config);
      return result.rows;
    } catch (error) {
      this.usable = this.usable && isConnectionUsable(error);
      throw databaseFailure(error);
    } finally {
      clearTimeout(timer);
    }
  }

  onNotice(listener: (notice: ServerNotice) => void): () => void {
    this.#client.on("notice", listener);
    return () => this.#client.off("notice", listener);
  }

  #cancel(): void {
    const processId: unknown = Reflect.get(this.#client, "processID");
    if (this.#shape.cancel === null || typeof processId !== "number") return;
    // The request may arrive when the session has gone on to something else: never lend it again.
    this.usable = false;
    // If the server cannot be asked, the client's own limit ends the wait.
    this.#shape.cancel(processId).catch(() => undefined);
  }
}

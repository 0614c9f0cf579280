/**
 * PostgreSQL for a service: work in one pool, lookups in another, control in a third.
 *
 * Lookups are reads of a few rows by key that share two connections; that makes them cheap, and
 * keeps them going while every other connection waits for a standby to confirm a commit.
 * The control pool is two connections for health, the state of the site and cancel requests, which
 * must reach the server even when every request waits for it. Whoever asks there on behalf of
 * requests asks once for all of them.
 */
import { type Deadline, monotonicMs } from "../resilience/deadline.ts";
import { retry } from "../resilience/retry.ts";
import { ServiceError } from "../errors/service-error.ts";
import type { Connection, LentConnection, Statement } from "./connection.ts";
import { ConnectionPool, type PasswordSource, type PoolUsage } from "./connection-pool.ts";
import type { DatabaseAddress } from "./database-address.ts";
import { Lookups } from "./lookups.ts";
import { EndpointWatch, type Resolve } from "./endpoint-watch.ts";
import { isTransactionConflict, passesByItself } from "./sql-state.ts";

/** Everything a database client can be told. */
export interface DatabaseOptions {
  readonly address: DatabaseAddress;
  /** Null: the server asks for none. */
  readonly password: PasswordSource | null;
  /** Shown in the server's `pg_stat_activity`. */
  readonly name: string;
  /** Default 10: that saturates a small PostgreSQL; more only queue inside the server. */
  readonly poolMax?: number;
  /** Limit of one statement. Default 3 s: longer than an honest one, shorter than a caller's patience. */
  readonly statementTimeoutMs?: number;
  /** Limit of getting a connection, waiting for a free one included. Default 1 s. */
  readonly connectTimeoutMs?: number;
  /** What happened to connections, for the log. The fields hold no secrets. */
  readonly onEvent?: (event: DatabaseEvent) => void;
  /** Called after every loan, for metrics. */
  readonly onLoan?: (outcome: "ok" | "failed", seconds: number) => void;
  /** Called after every wait for a connection to work with, for metrics. */
  readonly onWaited?: (seconds: number) => void;
  readonly resolve?: Resolve;
  /** How often the host name is looked up again. Default 5 s. */
  readonly resolveEveryMs?: number;
}

/** Something that happened to the connections. */
export type DatabaseEvent =
  | { readonly kind: "connection-lost"; readonly reason: string }
  | { readonly kind: "endpoint-moved"; readonly addresses: readonly string[] }
  | { readonly kind: "server-demoted" };

/** What one use of the database may ask for. */
export interface UseOptions {
  readonly deadline?: Deadline | undefined;
}

/** What one statement may ask for. */
export interface QueryOptions extends UseOptions {
  /** A statement that changes nothing, or the same thing twice, is tried up to three times. */
  readonly idempotent?: boolean;
}

/** What a transaction may ask for. */
export interface TransactionOptions extends UseOptions {
  /** Default: the database's own, `read committed`. */
  readonly isolation?: "repeatable read" | "serializable";
  readonly readOnly?: boolean;
  /** Runs in all if the server undoes the transaction for a conflict. Default 3. */
  readonly attempts?: number;
  /** A query sent along with `begin`, in the same round trip. */
  readonly opening?: TransactionOpening;
}

/** See `TransactionOptions.opening`. Called anew for every attempt. */
export interface TransactionOpening {
  /** Immediately before it is sent; answers the query, which has no values. */
  sending(): string;
  /** The first row of its reply. */
  answered(row: object | undefined): void;
}

const CONTROL_POOL_MAX = 2;
/** Enough for one to be read from while the other is written to; more only wake each other up. */
const LOOKUP_POOL_MAX = 2;
const CONTROL_TIMEOUT_MS = 400;
/**
 * A server that refuses writes is left this often at most. Until its name leads elsewhere every new
 * connection leads back to it, and to make them anew for each refused write is a storm.
 */
const LEAVE_EVERY_MS = 2_000;

export class Database {
  readonly #work: ConnectionPool;
  readonly #lookup: ConnectionPool;
  readonly #control: ConnectionPool;
  readonly #lookups: Lookups;
  readonly #endpoint: EndpointWatch;
  readonly #options: DatabaseOptions;
  #leftMs = Number.NEGATIVE_INFINITY;
  #closing: Promise<void> | null = null;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#endpoint = new EndpointWatch(
      options.address.host,
      (addresses) => this.#renew({ kind: "endpoint-moved", addresses }),
      { resolve: options.resolve, everyMs: options.resolveEveryMs },
    );
    const shared = {
      address: options.address,
      password: options.password,
      endpoint: this.#endpoint,
      onLost: (error: Error) => this.#lost(error),
      onDemoted: () => this.#leaveDemoted(),
    };
    this.#control = new ConnectionPool({
      ...shared,
      name: `${options.name} control`,
      max: CONTROL_POOL_MAX,
      connectTimeoutMs: CONTROL_TIMEOUT_MS,
      statementTimeoutMs: CONTROL_TIMEOUT_MS,
      cancel: null,
    });
    const limits = {
      connectTimeoutMs: options.connectTimeoutMs ?? 1_000,
      statementTimeoutMs: options.statementTimeoutMs ?? 3_000,
    };
    this.#lookup = new ConnectionPool({
      ...shared,
      ...limits,
      name: `${options.name} lookup`,
      max: LOOKUP_POOL_MAX,
      pipeline: true,
      // Nothing that only reads waits for what the server's own limit cannot end.
      cancel: null,
    });
    this.#lookups = new Lookups(this.#lookup, {
      statementTimeoutMs: limits.statementTimeoutMs,
      lanes: LOOKUP_POOL_MAX,
      onDemoted: shared.onDemoted,
    });
    this.#work = new ConnectionPool({
      ...shared,
      ...limits,
      name: options.name,
      max: options.poolMax ?? 10,
      onWaited: options.onWaited,
      cancel: (processId) =>
        this.control({ text: "select pg_cancel_backend($1)", values: [processId] }),
    });
  }

  /** Usage of the pools, by name. */
  get usage(): Readonly<Record<"work" | "lookup" | "control", PoolUsage>> {
    const { usage } = this.#work;
    return { work: usage, lookup: this.#lookup.usage, control: this.#control.usage };
  }

  /**
   * Lends a connection to `work` and takes it back in every case.
   * @throws {SaturatedError} if too many wait already or none became free in time,
   *   {DatabaseError} if none can be had; whatever `work` throws
   */
  async withConnection<T>(
    work: (connection: Connection) => Promise<T>,
    options: UseOptions = {},
  ): Promise<T> {
    return this.#lend(work, options.deadline);
  }

  /** Runs one statement on any connection. */
  query<Row extends object>(
    statement: Statement,
    options: QueryOptions = {},
  ): Promise<readonly Row[]> {
    const once = (): Promise<readonly Row[]> =>
      this.#lend((connection) => connection.query<Row>(statement), options.deadline);
    return options.idempotent === true
      ? retry(once, { shouldRetry: passesByItself }, options.deadline)
      : once();
  }

  /**
   * Reads a few rows by key, on a connection that others read from at the same time, and tries up to
   * three times. For statements that are short and change nothing: a slow one holds up its fellows.
   * @throws {SaturatedError} if too many wait already; {DatabaseError} if none can be had, or no
   *   answer comes in time
   */
  lookup<Row extends object>(
    statement: Statement,
    options: UseOptions = {},
  ): Promise<readonly Row[]> {
    return this.#timed(() => this.#lookups.run<Row>(statement, options.deadline));
  }

  /**
   * Runs `work` in a transaction: committed if it resolves, undone if it rejects. If the server
   * undoes it for a conflict with another one, `work` runs again, so it must not act outside.
   * @throws {DatabaseError} with outcome `unknown` if the answer to the commit did not arrive
   */
  withTransaction<T>(
    work: (transaction: Connection) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const policy = {
      attempts: options.attempts ?? 3,
      shouldRetry: isTransactionConflict,
      baseMs: 10,
    };
    return retry(
      () => this.#lend((lent) => inTransaction(lent, options, work), options.deadline),
      policy,
      options.deadline,
    );
  }

  /** Runs one short statement on a connection that requests cannot use up. Limit 400 ms. */
  control<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    return this.#control.lend((connection) => connection.query<Row>(statement), undefined);
  }

  /** Closes every connection once it is given back. Idempotent. */
  close(): Promise<void> {
    this.#endpoint.close();
    const pools = [this.#work, this.#lookup, this.#control];
    this.#closing ??= Promise.all(pools.map((pool) => pool.close())).then(() => undefined);
    return this.#closing;
  }

  #lend<T>(
    work: (connection: LentConnection) => Promise<T>,
    deadline: Deadline | undefined,
  ): Promise<T> {
    return this.#timed(() => this.#work.lend(work, deadline));
  }

  async #timed<T>(work: () => Promise<T>): Promise<T> {
    const { onLoan } = this.#options;
    if (onLoan === undefined) return work();
    const startedMs = performance.now();
    try {
      const answer = await work();
      onLoan("ok", (performance.now() - startedMs) / 1_000);
      return answer;
    } catch (error) {
      const failed = error instanceof ServiceError && error.status >= 500;
      onLoan(failed ? "failed" : "ok", (performance.now() - startedMs) / 1_000);
      throw error;
    }
  }

  #lost(error: Error): void {
    this.#options.onEvent?.({ kind: "connection-lost", reason: error.message });
    void this.#endpoint.look();
  }

  #leaveDemoted(): void {
    const nowMs = monotonicMs();
    if (nowMs - this.#leftMs < LEAVE_EVERY_MS) return;
    this.#leftMs = nowMs;
    this.#renew({ kind: "server-demoted" });
  }

  #renew(event: DatabaseEvent): void {
    this.#options.onEvent?.(event);
    if (this.#closing !== null) return;
    this.#work.renew();
    this.#lookup.renew();
    this.#control.renew();
  }
}

async function inTransaction<T>(
  connection: LentConnection,
  options: TransactionOptions,
  work: (transaction: Connection) => Promise<T>,
): Promise<T> {
  try {
    await begin(connection, options);
    const answer = await work(connection);
    await connection.commit();
    return answer;
  } catch (error) {
    // A session that cannot even undo is thrown away; the server undoes what it had begun.
    if (connection.usable) {
      await connection.script("rollback").catch(() => {
        connection.usable = false;
      });
    }
    throw error;
  }
}

async function begin(connection: LentConnection, options: TransactionOptions): Promise<void> {
  const isolation = options.isolation === undefined ? "" : ` isolation level ${options.isolation}`;
  const command = `begin${isolation}${options.readOnly === true ? " read only" : ""}`;
  if (options.opening === undefined) {
    await connection.script(command);
    return;
  }
  const [, rows] = await connection.script(`${command}; ${options.opening.sending()}`);
  options.opening.answered(rows?.[0]);
}

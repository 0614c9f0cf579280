/** The witness of the writer lease: one row per application, in the state database. */
import type { LeaseDocument, LeaseWitness, VersionedLease } from "@cloudphoenix/engine";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Pool, PoolClient, PoolConfig, QueryResultRow } from "pg";
import type { Log } from "../log.ts";
import { spoilsSession, sqlStateOf } from "../state/passing-failure.ts";
import { stateError } from "../state/state-connection.ts";
import { statePool } from "../state/state-pool.ts";

export interface LeaseWitnessOptions {
  readonly application: string;
  /** Address of the state database; may hold the password. */
  readonly url: string;
  /** Read for every new connection; left out if `url` holds the password or none is needed. */
  readonly password?: () => string | Promise<string>;
  readonly log: Log;
}

/** Answers within milliseconds or not at all in time; renewals are bounded by their caller. */
const CONNECT_LIMIT_MS = 2_000;
const STATEMENT_LIMIT_MS = 2_000;

/** Functions or schema that are not there: no controller has opened the state database yet. */
const NOT_THERE: readonly string[] = ["42883", "3F000", "3D000"];
const NO_RIGHT = "42501";
const WRONG_LOGIN = "28";

interface LeaseRow {
  /** `bigint` arrives as text. */
  readonly epoch: string;
  readonly holder: string | null;
  readonly renewals: string;
  readonly version: string;
}

/**
 * Reads and swaps through functions, so that the login of an agent needs no right on any table.
 * A connection that is asked and given up is thrown away: its answer belongs to nobody.
 */
export class PostgresLeaseWitness implements LeaseWitness {
  readonly #application: string;
  readonly #pool: Pool;

  /** Connects to nobody yet; `close` ends it. */
  constructor({ application, url, password, log }: LeaseWitnessOptions) {
    this.#application = application;
    this.#pool = statePool(
      {
        ...connectionOf(url),
        ...(password === undefined ? {} : { password }),
        max: 3,
        connectionTimeoutMillis: CONNECT_LIMIT_MS,
        query_timeout: STATEMENT_LIMIT_MS,
        idleTimeoutMillis: 60_000,
        application_name: "cloudphoenix-lease",
        allowExitOnIdle: true,
      },
      (error) => log("warn", `lease witness: ${error.message}`),
    );
  }

  async read(signal: AbortSignal): Promise<VersionedLease | null> {
    const rows = await this.#ask<LeaseRow>(
      "select * from cloudphoenix.lease_read($1)",
      [this.#application],
      signal,
    );
    const row = rows[0];
    if (row === undefined) return null;
    const { epoch, holder, renewals, version } = row;
    const application = this.#application;
    return {
      lease: { application, epoch: Number(epoch), holder, renewals: Number(renewals) },
      version,
    };
  }

  async replace(
    { epoch, holder, renewals }: LeaseDocument,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<string | null> {
    const rows = await this.#ask<{ readonly version: string | null }>(
      "select cloudphoenix.lease_replace($1, $2, $3, $4, $5) as version",
      [this.#application, epoch, holder, renewals, expected],
      signal,
    );
    return rows[0]?.version ?? null;
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #ask<Row extends QueryResultRow>(
    sql: string,
    values: readonly unknown[],
    signal: AbortSignal,
  ): Promise<readonly Row[]> {
    if (signal.aborted) throw givenUp();
    const gone = Promise.withResolvers<never>();
    const onAbort = (): void => gone.reject(givenUp());
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([this.#query<Row>(sql, values, signal), gone.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #query<Row extends QueryResultRow>(
    sql: string,
    values: readonly unknown[],
    signal: AbortSignal,
  ): Promise<readonly Row[]> {
    try {
      const client = await this.#pool.connect();
      const loan = new Loan(client);
      const onAbort = (): void => loan.end(true);
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        // Gave up while we connected: nothing is sent any more.
        if (signal.aborted) throw givenUp();
        const { rows } = await client.query<Row>(sql, [...values]);
        return rows;
      } catch (error) {
        // A session that did not answer may still be at work: nobody gets it.
        if (spoilsSession(error)) loan.end(true);
        throw error;
      } finally {
        signal.removeEventListener("abort", onAbort);
        loan.end(false);
      }
    } catch (error) {
      throw meaningOf(error);
    }
  }
}

/** Gives a connection back once, whoever comes first. */
class Loan {
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

/** The driver lets a URL's missing password win over one given beside it. */
function connectionOf(url: string): PoolConfig {
  const parsed = new URL(url);
  if (parsed.searchParams.has("host") || parsed.searchParams.has("sslmode")) {
    return { connectionString: url };
  }
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/u, "$1"),
    port: Number(parsed.port === "" ? 5432 : parsed.port),
    user: decodeURIComponent(parsed.username),
    database: decodeURIComponent(parsed.pathname.slice(1)),
    ...(parsed.password === "" ? {} : { password: decodeURIComponent(parsed.password) }),
  };
}

function meaningOf(error: unknown): CloudPhoenixError {
  if (error instanceof CloudPhoenixError) return error;
  const state = sqlStateOf(error) ?? "";
  if (state === NO_RIGHT || state.startsWith(WRONG_LOGIN)) {
    return new CloudPhoenixError("UNAUTHORIZED", "the lease witness does not accept us", {
      retryable: false,
      hint: "Prepare the witness for this login and application again.",
      cause: error,
    });
  }
  if (NOT_THERE.includes(state)) {
    return new CloudPhoenixError("STATE_UNAVAILABLE", "the lease witness is not set up yet", {
      retryable: true,
      hint: "Start a controller: it sets the state database up.",
      cause: error,
    });
  }
  return stateError(error);
}

function givenUp(): CloudPhoenixError {
  return new CloudPhoenixError("ABORTED", "the lease witness was not waited for", {
    retryable: true,
  });
}

/** The connection pool under the stores, with failures in CloudPhoenix's words. */
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import { Pool, type PoolClient, type QueryResultRow } from "pg";
import type { Log } from "../log.ts";

const POOL_MAX = 8;
/** Longer than any statement of ours takes; a frozen server must not hold a plan for ever. */
const STATEMENT_LIMIT_MS = 10_000;
const CONNECT_LIMIT_MS = 5_000;

export class StateConnection {
  readonly #pool: Pool;

  constructor(url: string, log: Log) {
    this.#pool = new Pool({
      connectionString: url,
      max: POOL_MAX,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      query_timeout: STATEMENT_LIMIT_MS,
      application_name: "cloudphoenix-state",
    });
    // An idle connection that breaks is replaced by the pool; without a listener it would crash us.
    this.#pool.on("error", (error) => log("warn", `state database: ${error.message}`));
  }

  /**
   * Runs one statement and returns its rows.
   * @throws {CloudPhoenixError} `STATE_UNAVAILABLE` (retryable) if the database does not answer,
   *   `INTERNAL` if it refuses the statement
   */
  async query<Row extends QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    return translated(async () => (await this.#pool.query<Row>(sql, [...values])).rows);
  }

  /** Runs `work` in one transaction. Errors as for `query`; what `work` itself throws passes. */
  async transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await translated(() => this.#pool.connect());
    let broken = false;
    try {
      await client.query("begin");
      const result = await work(client);
      await client.query("commit");
      return result;
    } catch (error) {
      broken = await client.query("rollback").then(
        () => false,
        () => true,
      );
      throw error instanceof CloudPhoenixError ? error : stateError(error);
    } finally {
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw stateError(error);
  }
}

/** SQLSTATE classes of failures that pass: connection, resources, operator intervention, locks. */
const PASSING_CLASSES = ["08", "53", "57", "40", "55"];

/** `error` of the driver as ours. Server errors have an SQLSTATE; all others are of the connection. */
export function stateError(error: unknown): CloudPhoenixError {
  const code = sqlStateOf(error);
  if (code === null || PASSING_CLASSES.some((prefix) => code.startsWith(prefix))) {
    return new CloudPhoenixError(
      "STATE_UNAVAILABLE",
      `the state database does not answer: ${messageOf(error)}`,
      { retryable: true, hint: "Check that the state database runs.", cause: error },
    );
  }
  return new CloudPhoenixError("INTERNAL", `the state database refused: ${messageOf(error)}`, {
    retryable: false,
    hint: "Report this with the log of the controller.",
    cause: error,
  });
}

/** The SQLSTATE of a server error; null for anything else. */
export function sqlStateOf(error: unknown): string | null {
  if (!(error instanceof Error && "code" in error)) return null;
  const code = String(error.code);
  return /^[\dA-Z]{5}$/u.test(code) && /\d/u.test(code) ? code : null;
}

/** The connection pool under the stores, with failures in CloudPhoenix's words. */
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import type { Pool, PoolClient, QueryResultRow } from "pg";
import type { Log } from "../log.ts";
import { passes, spoilsSession } from "./passing-failure.ts";
import { statePool } from "./state-pool.ts";

const POOL_MAX = 8;
/** Longer than any statement of ours takes; a frozen server must not hold a plan for ever. */
const STATEMENT_LIMIT_MS = 10_000;
const CONNECT_LIMIT_MS = 5_000;

export class StateConnection {
  readonly #pool: Pool;

  constructor(url: string, log: Log) {
    this.#pool = statePool(
      {
        connectionString: url,
        max: POOL_MAX,
        connectionTimeoutMillis: CONNECT_LIMIT_MS,
        query_timeout: STATEMENT_LIMIT_MS,
        application_name: "cloudphoenix-state",
      },
      (error) => log("warn", `state database: ${error.message}`),
    );
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
        () => !(error instanceof CloudPhoenixError) && spoilsSession(error),
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

/** `error` of the driver as ours. */
export function stateError(error: unknown): CloudPhoenixError {
  if (passes(error)) {
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

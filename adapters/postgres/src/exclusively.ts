/** One long change of a database at a time, whoever makes it. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import { sqlStateOf } from "./database-error.ts";
import type { SiteConnection } from "./site-connections.ts";

/** Key of the advisory lock: "cp" in ASCII, and 1 for changes of role. Part of the protocol. */
const LOCK = "25456, 1";

const LOCK_NOT_AVAILABLE = "55P03";

/** A process that died a moment ago still holds its lock until the server has noticed. */
const WAIT_MS = 3_000;

/**
 * Runs `work` while no other process does. The lock belongs to the session and ends with it.
 * @throws {CloudPhoenixError} `CONFLICT` (retryable) if another change is under way
 */
export async function exclusively<T>(
  connection: SiteConnection,
  work: () => Promise<T>,
): Promise<T> {
  try {
    await connection.transaction(
      () => connection.query(`select pg_advisory_lock(${LOCK})`),
      `begin; set local lock_timeout = ${WAIT_MS}`,
    );
  } catch (error) {
    throw sqlStateOf(error) === LOCK_NOT_AVAILABLE ? changedElsewhere(connection, error) : error;
  }
  try {
    return await work();
  } finally {
    if (connection.usable) {
      await connection
        .query(`select pg_advisory_unlock(${LOCK})`)
        .catch(() => (connection.usable = false));
    }
  }
}

function changedElsewhere(connection: SiteConnection, cause: unknown): CloudPhoenixError {
  return new CloudPhoenixError(
    "CONFLICT",
    `the database of site ${connection.site} is being changed by another process`,
    { retryable: true, cause },
  );
}

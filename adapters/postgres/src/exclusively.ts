/** One long change of a database at a time, whoever makes it. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { SiteConnection } from "./site-connections.ts";

/** Key of the advisory lock: "cp" in ASCII, and 1 for changes of role. Part of the protocol. */
const LOCK = "25456, 1";

/**
 * Runs `work` while no other process does. A process that was given up on may still have a
 * statement in flight at the server; its lock ends with its session.
 * @throws {CloudPhoenixError} `CONFLICT` (retryable) if another change is under way
 */
export async function exclusively<T>(
  connection: SiteConnection,
  work: () => Promise<T>,
): Promise<T> {
  const { locked } = await connection.one<{ readonly locked: boolean }>(
    `select pg_try_advisory_lock(${LOCK}) as locked`,
  );
  if (!locked) {
    throw new CloudPhoenixError(
      "CONFLICT",
      `the database of site ${connection.site} is being changed by another process`,
      { retryable: true },
    );
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

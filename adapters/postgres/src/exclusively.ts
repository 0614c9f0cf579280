/** One long change of a database at a time, whoever makes it. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import { sqlStateOf } from "./database-error.ts";
import type { SiteConnection } from "./site-connections.ts";

/** Key of the advisory lock: "cp" in ASCII, and 1 for changes of role. Part of the protocol. */
const LOCK = "25456, 1";

const LOCK_NOT_AVAILABLE = "55P03";

const SILENCE_SETTINGS = ["idle_session_timeout", "idle_in_transaction_session_timeout"];

/** Back to what the session began with, before somebody else borrows it. */
const USUAL_SILENCE = SILENCE_SETTINGS.map((setting) => `; reset ${setting}`).join("");

/** A process that died a moment ago still holds its lock until the server has noticed. */
const WAIT_MS = 3_000;

export interface ExclusiveOptions {
  /**
   * The server ends the session, and with it the lock, once its holder has sent nothing for so
   * long, be it in a transaction or not. For work that never rests, so that the lock of a host
   * that vanished or a process that froze passes on. Left out: only a transaction has a limit, the
   * usual one, and a session may rest while another works.
   */
  readonly silenceMs?: number;
}

/**
 * Runs `work` while no other process does. The lock belongs to the session and ends with it.
 * @throws {CloudPhoenixError} `CONFLICT` (retryable) if another change is under way
 */
export async function exclusively<T>(
  connection: SiteConnection,
  work: () => Promise<T>,
  { silenceMs }: ExclusiveOptions = {},
): Promise<T> {
  try {
    // What is set here comes into force with the lock, and goes if the lock is not to be had.
    await connection.transaction(
      () => connection.query(`select pg_advisory_lock(${LOCK})`),
      `begin; set local lock_timeout = ${WAIT_MS}${silenceMs === undefined ? "" : limitSilence(silenceMs)}`,
    );
  } catch (error) {
    throw sqlStateOf(error) === LOCK_NOT_AVAILABLE ? changedElsewhere(connection, error) : error;
  }
  try {
    return await work();
  } finally {
    if (connection.usable) {
      await connection
        .query(`select pg_advisory_unlock(${LOCK})${silenceMs === undefined ? "" : USUAL_SILENCE}`)
        .catch(() => (connection.usable = false));
    }
  }
}

/** Also while the lock is waited for: that is a statement, and no silence. */
function limitSilence(limitMs: number): string {
  return SILENCE_SETTINGS.map((setting) => `; set ${setting} = ${limitMs}`).join("");
}

function changedElsewhere(connection: SiteConnection, cause: unknown): CloudPhoenixError {
  return new CloudPhoenixError(
    "CONFLICT",
    `the database of site ${connection.site} is being changed by another process`,
    { retryable: true, cause },
  );
}

/** One long change of a database at a time, whoever makes it. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";
import { loop } from "./background-loop.ts";
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

/**
 * A session that rests while another one works shows this often that its holder lives. The limit is
 * about where the server gives up a silent network, too: work of an hour must not be lost sooner.
 */
const SHOWS_LIFE_EVERY_MS = 3_000;
const RESTING_SILENCE_MS = 15_000;

/**
 * The server ends the session, and with it the lock, once its holder has sent nothing for a while, be
 * it in a transaction or not: the lock of a host that vanished or a process that froze passes on.
 */
export type ExclusiveOptions =
  /** For work that never rests: so long. */
  | { readonly silenceMs: number }
  /** For work that rests while another session works: meanwhile the session shows that it lives. */
  | { readonly clock: Clock };

/**
 * Runs `work` while no other process does. The lock belongs to the session and ends with it; work that
 * goes on without it finds its session ended.
 * @throws {CloudPhoenixError} `CONFLICT` (retryable) if another change is under way
 */
export async function exclusively<T>(
  connection: SiteConnection,
  work: () => Promise<T>,
  options: ExclusiveOptions,
): Promise<T> {
  const silenceMs = "silenceMs" in options ? options.silenceMs : RESTING_SILENCE_MS;
  try {
    // What is set here comes into force with the lock, and goes if the lock is not to be had.
    await connection.transaction(
      () => connection.query(`select pg_advisory_lock(${LOCK})`),
      `begin; set local lock_timeout = ${WAIT_MS}${limitSilence(silenceMs)}`,
    );
  } catch (error) {
    throw sqlStateOf(error) === LOCK_NOT_AVAILABLE ? changedElsewhere(connection, error) : error;
  }
  try {
    return await ("clock" in options ? showingLife(connection, options.clock, work) : work());
  } finally {
    if (connection.usable) {
      await connection
        .query(`select pg_advisory_unlock(${LOCK})${USUAL_SILENCE}`)
        .catch(() => (connection.usable = false));
    }
  }
}

async function showingLife<T>(
  connection: SiteConnection,
  clock: Clock,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const timing = { clock, everyMs: SHOWS_LIFE_EVERY_MS, deadlineMs: RESTING_SILENCE_MS };
  const showing = loop({ ...timing, stop: done.signal }, () => connection.showLife());
  try {
    return await work();
  } finally {
    done.abort();
    await showing;
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

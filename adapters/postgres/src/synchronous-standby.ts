/**
 * Making the server's commits wait for a standby (durability `sync`), and stopping that.
 *
 * Uses `synchronous_standby_names`, a setting of the whole server. Changing it needs
 * `ALTER SYSTEM` on that parameter; managed services mostly do not give it, which is what
 * durability `barrier` is for.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import { pollUntil } from "./poll-until.ts";
import type { PostgresContext } from "./postgres-context.ts";
import type { SiteConnection } from "./site-connections.ts";

const RELOAD_POLL_MS = 10;
const RELOAD_LIMIT_MS = 2_000;

/**
 * Every commit at this server waits until `standby` has flushed it. Idempotent.
 * @throws {CloudPhoenixError} `CONFLICT` if the server already waits for somebody else's standby
 */
export async function waitForStandby(
  context: PostgresContext,
  connection: SiteConnection,
  standby: string,
  signal: AbortSignal,
): Promise<void> {
  const current = await standbyNames(connection);
  if (current === standby) return;
  if (current !== "") {
    throw new CloudPhoenixError(
      "CONFLICT",
      `synchronous_standby_names at site ${connection.site} is already in use: ${current}`,
      { retryable: false, hint: "Choose durability barrier, or clear that setting." },
    );
  }
  await setStandbyNames(context, connection, standby, signal);
}

/** Commits wait for `standby` no longer. Somebody else's setting is left alone. Idempotent. */
export async function stopWaitingForStandby(
  context: PostgresContext,
  connection: SiteConnection,
  standby: string,
  signal: AbortSignal,
): Promise<void> {
  if ((await standbyNames(connection)) !== standby) return;
  await setStandbyNames(context, connection, "", signal);
}

/** The setting as this server has it now. */
export async function standbyNames(connection: SiteConnection): Promise<string> {
  const { names } = await connection.one<{ readonly names: string }>(
    "select current_setting('synchronous_standby_names') as names",
  );
  return names;
}

async function setStandbyNames(
  context: PostgresContext,
  connection: SiteConnection,
  names: string,
  signal: AbortSignal,
): Promise<void> {
  // Our subscription names need no quoting, see object-names.ts.
  await connection.query(`alter system set synchronous_standby_names = '${names}'`);
  await connection.query("select pg_reload_conf()");
  await pollUntil(
    {
      clock: context.clock,
      everyMs: RELOAD_POLL_MS,
      limitMs: RELOAD_LIMIT_MS,
      what: `site ${connection.site} to reload its settings`,
      signal,
    },
    async () => ((await standbyNames(connection)) === names ? true : null),
  );
}

/** How a connection to the database is made, shared by the service and its migrations. */
import { readFile } from "node:fs/promises";
import type { ClientConfig } from "pg";
import type { DatabaseSettings } from "./settings.ts";

/**
 * Connection options for the driver. The client gives up on a statement half a second after the
 * server should have, because a frozen server cannot enforce its own limit.
 * @param session.name - shown in the server's `pg_stat_activity`
 */
export function clientConfig(
  settings: DatabaseSettings,
  session: { readonly name: string; readonly timeoutMs: number },
): ClientConfig {
  const { passwordFile } = settings;
  return {
    host: settings.host,
    port: settings.port,
    user: settings.user,
    database: settings.database,
    ssl:
      settings.sslMode === "disable"
        ? false
        : { rejectUnauthorized: settings.sslMode !== "require" },
    application_name: session.name,
    statement_timeout: session.timeoutMs,
    query_timeout: session.timeoutMs + 500,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    ...(passwordFile === null ? {} : { password: () => readPassword(passwordFile) }),
  };
}

async function readPassword(file: string): Promise<string> {
  return (await readFile(file, "utf8")).replace(/\r?\n$/, "");
}

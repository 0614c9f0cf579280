/** Where a server is reached, and what it answers there. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import type { ServerAuth } from "./data-directory.ts";

/** A server's addresses. At least one of `socketDirectory` and `tcpHost` is set. */
export interface Endpoint {
  readonly socketDirectory: string | null;
  readonly tcpHost: string | null;
  /** TCP port, and the number in the socket's name. */
  readonly port: number;
  readonly superuser: string;
}

/**
 * What came back. `serves`: a server answers, with this data directory. `refuses`: a
 * server answers, but not to us (SQLSTATE). `silent`: no PostgreSQL answers there.
 */
export type Answer =
  | { readonly kind: "serves"; readonly dataDirectory: string }
  | { readonly kind: "refuses"; readonly sqlState: string }
  | { readonly kind: "silent" };

const CONNECT_LIMIT_MS = 2_000;

/** Asks once, through the socket if there is one. Never throws for a server that does not answer. */
export async function askServer(endpoint: Endpoint, auth: ServerAuth): Promise<Answer> {
  const password = auth.kind === "scram" ? (await readFile(auth.passwordFile, "utf8")).trim() : "";
  const client = new Client({
    host: endpoint.socketDirectory ?? endpoint.tcpHost ?? "",
    port: endpoint.port,
    user: endpoint.superuser,
    database: "postgres",
    password,
    ssl: false,
    connectionTimeoutMillis: CONNECT_LIMIT_MS,
    query_timeout: CONNECT_LIMIT_MS,
  });
  // A server killed while we ask makes the client emit; the rejected call below says it all.
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>("show data_directory");
    return { kind: "serves", dataDirectory: rows[0]?.data_directory ?? "" };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    return isSqlState(code) ? { kind: "refuses", sqlState: code } : { kind: "silent" };
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** SQLSTATEs are five characters with a digit first, unlike `EPIPE` and its like. */
function isSqlState(code: string): boolean {
  return /^\d[\dA-Z]{4}$/u.test(code);
}

/** Address of one database as the superuser, without a password. */
export function urlOf(endpoint: Endpoint, database: string): string {
  const name = encodeURIComponent(database);
  const user = encodeURIComponent(endpoint.superuser);
  if (endpoint.socketDirectory === null) {
    const host = endpoint.tcpHost ?? "";
    const printed = host.includes(":") ? `[${host}]` : host;
    return `postgresql://${user}@${printed}:${endpoint.port}/${name}`;
  }
  const directory = encodeURIComponent(endpoint.socketDirectory);
  return `postgresql://${user}@localhost:${endpoint.port}/${name}?host=${directory}`;
}

/** The lock file PostgreSQL keeps beside its socket; null without a socket. */
export function socketLockOf({ socketDirectory, port }: Endpoint): string | null {
  return socketDirectory === null ? null : join(socketDirectory, `.s.PGSQL.${port}.lock`);
}

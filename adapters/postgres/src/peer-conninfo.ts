/** How the server of one site connects to the server of the other, as libpq reads it. */
import { hostOf } from "./client-config.ts";
import type { PostgresSite, Secret } from "./postgres-options.ts";

/**
 * A link between clouds can swallow packets; without these a worker would wait for minutes. URL
 * parameters (`sslmode`, …) come after and win.
 */
const DEFAULTS: Readonly<Record<string, string>> = {
  connect_timeout: "5",
  keepalives_idle: "5",
  keepalives_interval: "2",
  keepalives_count: "3",
};

/**
 * The connection string to `site`, with and without its password: with for the statement, without
 * for everybody who looks at statements.
 */
export async function peerConninfo(
  site: PostgresSite,
): Promise<{ readonly secret: string; readonly shown: string }> {
  const url = new URL(site.peerUrl);
  const settings = new Map(Object.entries(DEFAULTS));
  for (const [name, value] of url.searchParams) settings.set(name, value);
  settings.set("host", hostOf(url));
  settings.set("port", url.port === "" ? "5432" : url.port);
  settings.set("dbname", decodeURIComponent(url.pathname.slice(1)));
  settings.set("user", decodeURIComponent(url.username));
  const shown = [...settings].map(([name, value]) => `${name}=${quoted(value)}`).join(" ");
  const password = await readSecret(site.peerPassword);
  return { secret: `${shown} password=${quoted(password)}`, shown };
}

/** The role by which the other site reads from `site`. */
export function peerRole(site: PostgresSite): string {
  return decodeURIComponent(new URL(site.peerUrl).username);
}

async function readSecret(secret: Secret): Promise<string> {
  return typeof secret === "string" ? secret : secret();
}

/** PostgreSQL manual, 34.1.1.1: single quotes, with `\` before quotes and backslashes. */
function quoted(value: string): string {
  return `'${value.replaceAll(/['\\]/g, "\\$&")}'`;
}

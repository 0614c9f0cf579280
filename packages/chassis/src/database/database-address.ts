/** Where a database is and as whom it is used. Never holds a password. */

/** The parts of a `postgresql://` URL. */
export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /**
   * TLS as libpq's `sslmode` names it; `require` encrypts without checking who answers. Authorities
   * are Node's, and those in `NODE_EXTRA_CA_CERTS`.
   */
  readonly sslMode: "disable" | "require" | "verify-full";
}

/** The address in `text`, or the sentence that says what is wrong with it. */
export function parseDatabaseUrl(text: string): DatabaseAddress | string {
  if (!URL.canParse(text)) return "must be a postgresql:// URL";
  const url = new URL(text);
  if (url.protocol !== "postgresql:" && url.protocol !== "postgres:") {
    return "must be a postgresql:// URL";
  }
  // A password in a URL ends up in process lists and crash reports.
  if (url.password !== "") return "must not hold a password; use DATABASE_PASSWORD";
  if (url.hostname === "" || url.username === "" || url.pathname.length < 2) {
    return "must name a user, a host and a database";
  }
  const sslMode =
    url.searchParams.get("sslmode") ?? (isThisMachine(url.hostname) ? "disable" : null);
  if (sslMode === null) {
    return "must say sslmode=verify-full (or require, or disable) for a server on another machine";
  }
  if (sslMode !== "disable" && sslMode !== "require" && sslMode !== "verify-full") {
    return "sslmode must be disable, require or verify-full";
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 5432 : Number(url.port),
    user: decodeURIComponent(url.username),
    database: decodeURIComponent(url.pathname.slice(1)),
    sslMode,
  };
}

/** Only there is it nobody's business what is sent. */
function isThisMachine(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

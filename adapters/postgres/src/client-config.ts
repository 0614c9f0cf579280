/** A database URL as the driver takes it. */
import { readFileSync } from "node:fs";
import type { ClientConfig } from "pg";
import { CloudPhoenixError } from "@cloudphoenix/core";

/**
 * Host, port, user, database and TLS of `url`. The driver's own parser is not used, because it
 * overrides the password that is given beside a URL with the one that is not in it.
 *
 * `sslmode` means what it means to libpq: `disable` (also if left out), `require` (encrypted,
 * identity unchecked), `verify-full` (with `sslrootcert`, a file, or the system's authorities).
 * @throws {CloudPhoenixError} `CONFIG_INVALID` if the URL is none or holds a password,
 *   `CONFIG_UNREADABLE` if the certificate file cannot be read
 */
export function clientConfig(url: string, what: string): ClientConfig {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw invalid(`the database URL of ${what} is not a postgresql:// URL`);
  }
  if (parsed.password !== "") {
    throw invalid(`the database URL of ${what} holds a password; it is given separately`);
  }
  return {
    host: hostOf(parsed),
    port: Number(parsed.port === "" ? 5432 : parsed.port),
    user: decodeURIComponent(parsed.username),
    database: decodeURIComponent(parsed.pathname.slice(1)),
    ssl: tlsOf(parsed.searchParams, what),
  };
}

/** IPv6 addresses stand in brackets in a URL and without them everywhere else. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

function tlsOf(parameters: URLSearchParams, what: string): ClientConfig["ssl"] {
  const mode = parameters.get("sslmode") ?? "disable";
  switch (mode) {
    case "disable":
      return false;
    case "require":
      return { rejectUnauthorized: false };
    case "verify-full": {
      const file = parameters.get("sslrootcert");
      return file === null || file === "system"
        ? { rejectUnauthorized: true }
        : { rejectUnauthorized: true, ca: readCertificate(file, what) };
    }
    default:
      throw invalid(`sslmode of ${what} is ${mode}; it must be disable, require or verify-full`);
  }
}

function readCertificate(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new CloudPhoenixError("CONFIG_UNREADABLE", `sslrootcert of ${what} cannot be read`, {
      retryable: false,
      hint: `Check that ${file} exists and may be read.`,
      cause,
    });
  }
}

function invalid(message: string): CloudPhoenixError {
  return new CloudPhoenixError("CONFIG_INVALID", message, {
    retryable: false,
    hint: "Correct the URL in the configuration.",
  });
}

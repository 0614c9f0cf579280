/** Small pieces the sections of the schema are made of. Each says what is wrong and what is right. */

import { isIP } from "node:net";
import { z } from "zod";
import { parseBytes } from "./byte-amount.ts";
import type { HostPort } from "./configuration.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { parseHostPort } from "./host-port.ts";

/** Turns a file name in the document into an absolute one. */
export type ResolveFile = (name: string) => string;

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const SQL_NAME = /^[a-z_][a-z0-9_]{0,62}$/;
const DOMAIN =
  /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?$/i;

/** A name of a thing: lower case letters, digits and dashes, at most 63. */
export function name(): z.ZodType<string> {
  return text(
    "name",
    "use lower case letters, digits and dashes, at most 63, for instance `aws-us-east-1`",
    (value) => (NAME.test(value) ? { value } : { wrong: `\`${value}\` is not a legal name` }),
  );
}

/** Name of a database role. */
export function sqlName(): z.ZodType<string> {
  return text(
    "name",
    "use lower case letters, digits and underscores, for instance `app`",
    (value) =>
      SQL_NAME.test(value) ? { value } : { wrong: `\`${value}\` is not a legal role name` },
  );
}

/** A DNS name; a trailing dot is dropped. */
export function domain(): z.ZodType<string> {
  return text("DNS name", "write a DNS name, for instance `shop.example.com`", (value) =>
    value.length <= 254 && DOMAIN.test(value)
      ? { value: value.replace(/\.$/, "").toLowerCase() }
      : { wrong: `\`${value}\` is not a DNS name` },
  );
}

/** An http or https URL without credentials; a trailing slash is dropped. */
export function httpUrl(): z.ZodType<string> {
  return text(
    "URL",
    "write an http or https URL, for instance `http://127.0.0.1:8080`",
    (value) => {
      const url = URL.parse(value);
      // The value is not repeated: what fails to parse may still hold a password.
      if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === "") {
        return { wrong: "is not an http or https URL" };
      }
      if (url.username !== "" || url.password !== "") {
        return {
          wrong: "holds credentials",
          help: "remove them from the URL; secrets live in files",
        };
      }
      return { value: value.replace(/\/$/, "") };
    },
  );
}

/** A postgresql URL that names user and database and holds no password. */
export function postgresUrl(): z.ZodType<string> {
  return text(
    "PostgreSQL URL",
    "write for instance `postgresql://user@host:5432/database`",
    (value) => {
      const url = URL.parse(value);
      if (url === null || !/^postgres(?:ql)?:$/.test(url.protocol)) {
        return { wrong: "is not a postgresql:// URL" };
      }
      if (url.password !== "" || url.searchParams.has("password")) {
        return {
          wrong: "holds a password",
          help: "remove the password from the URL and name a file that holds it beside it",
        };
      }
      if (url.hostname === "") return { wrong: "names no host" };
      if (url.username === "") return { wrong: "names no user" };
      if (url.pathname.length < 2) return { wrong: "names no database" };
      return { value };
    },
  );
}

/** An IPv4 or IPv6 address. */
export function ipAddress(): z.ZodType<string> {
  return text("IP address", "write an IPv4 or IPv6 address, for instance `192.0.2.10`", (value) =>
    isIP(value) > 0 ? { value } : { wrong: `\`${value}\` is not an IP address` },
  );
}

/** `host:port`, or `[v6 address]:port`. */
export function hostPort(): z.ZodType<HostPort> {
  return text("host:port", "write host and port, for instance `127.0.0.1:20120`", (value) => {
    const address = parseHostPort(value);
    return address === null ? { wrong: `\`${value}\` is not host:port` } : { value: address };
  });
}

/** The name of a file; relative names are relative to the configuration file. */
export function file(resolve: ResolveFile): z.ZodType<string> {
  return text("file", "name a file, for instance `secrets/db-aws`", (value) =>
    value === "" || value.includes("\0") || value.includes("\n")
      ? { wrong: "is not a file name" }
      : { value: resolve(value) },
  );
}

/** A duration between `minMs` and `maxMs`, both included, read into milliseconds. */
export function duration(minMs: number, maxMs: number): z.ZodType<number> {
  const range = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  const help = "write a number with a unit (ms, s, m, h, d), for instance `5s`";
  return text("duration", help, (value) => {
    const durationMs = parseDuration(value);
    if (durationMs === null) return { wrong: `\`${value}\` is not a duration` };
    return durationMs < minMs || durationMs > maxMs
      ? { wrong: `\`${value}\` is out of range`, help: `choose a duration from ${range}` }
      : { value: durationMs };
  });
}

/** Bytes per second, `minBytes` or more. */
export function byteRate(minBytes: number): z.ZodType<number> {
  const help =
    "write the bytes per second with a unit (KB, KiB, MB, MiB, GB, GiB), for instance `20MiB`";
  return text("bytes per second", help, (value) => {
    const bytes = parseBytes(value);
    if (bytes === null) return { wrong: `\`${value}\` is not an amount of bytes` };
    return bytes < minBytes
      ? { wrong: `\`${value}\` is too little`, help: `choose ${minBytes / 1024}KiB or more` }
      : { value: bytes };
  });
}

/** A moment with its time zone, read into epoch milliseconds. */
export function moment(): z.ZodType<number> {
  const help = "write date, time and zone, for instance `2026-12-24T18:00:00Z`";
  return text("time", help, (value) => {
    const atMs = /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(value)
      ? Date.parse(value)
      : Number.NaN;
    return Number.isNaN(atMs)
      ? { wrong: `\`${value}\` is not a time with a zone` }
      : { value: atMs };
  });
}

/** A port number. */
export function portNumber(): z.ZodType<number> {
  return z.int().min(1).max(65_535).meta({ type: "port" });
}

type Reading<T> = { readonly value: T } | { readonly wrong: string; readonly help?: string };

function text<T>(type: string, help: string, read: (value: string) => Reading<T>): z.ZodType<T> {
  return z
    .string()
    .transform((value, context): T => {
      const reading = read(value);
      if ("value" in reading) return reading.value;
      const params = { help: reading.help ?? help };
      context.addIssue({ code: "custom", message: reading.wrong, params });
      return z.NEVER;
    })
    .meta({ type, help });
}

/** Building blocks of setting schemas. Every default is here with its reason. */
import { z } from "zod";
import { parseDatabaseUrl, type DatabaseAddress } from "../database/database-address.ts";
import { LOG_LEVELS, type LogLevel } from "../observe/logger.ts";
import { isSecretReference } from "../secrets/secret-reference.ts";

/** A whole number written in decimal digits. */
export function integer(min: number, max: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^\d{1,9}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));
}

/** A share between 0 and 1. */
export function share(): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^(0|1|0?\.\d{1,6}|[01]\.0{1,6})$/, "must be a number from 0 to 1")
    .transform(Number);
}

/** `true` or `false`. */
export function flag(): z.ZodType<boolean, string> {
  return z
    .enum(["true", "false"], { error: "must be true or false" })
    .transform((text) => text === "true");
}

/** A short name that is safe in logs, metrics and headers. */
export function label(): z.ZodType<string, string> {
  return z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, "must be 1-100 of A-Z a-z 0-9 . _ -");
}

/** A `postgresql://` URL without a password. */
export function databaseUrl(): z.ZodType<DatabaseAddress, string> {
  return z.string({ error: "must be set" }).transform((text, context) => {
    const address = parseDatabaseUrl(text);
    if (typeof address !== "string") return address;
    context.addIssue({ code: "custom", message: address });
    return z.NEVER;
  });
}

/** Where a secret is, never the secret itself; see `secret-reference.ts`. */
export function secretReference(): z.ZodType<string, string> {
  return z.string().refine(isSecretReference, "must start with file:, env:, aws: or azure:");
}

/** Settings every service has. Spread into the service's own `z.object`. */
export const SERVICE_FIELDS: {
  readonly HOST: z.ZodType<string, string | undefined>;
  readonly PORT: z.ZodType<number, string | undefined>;
  readonly SITE: z.ZodType<string, string | undefined>;
  readonly CLOUD: z.ZodType<string, string | undefined>;
  readonly REGION: z.ZodType<string, string | undefined>;
  readonly POD: z.ZodType<string, string | undefined>;
  readonly COMMIT: z.ZodType<string, string | undefined>;
  readonly LOG_LEVEL: z.ZodType<LogLevel, string | undefined>;
  readonly LOG_SAMPLE_ABOVE: z.ZodType<number, string | undefined>;
  readonly RATE_LIMIT_PER_MINUTE: z.ZodType<number, string | undefined>;
  readonly CORS_ORIGINS: z.ZodType<readonly string[], string | undefined>;
  readonly TRUSTED_PROXIES: z.ZodType<number, string | undefined>;
  readonly ANSWER_TIMEOUT_MS: z.ZodType<number, string | undefined>;
  readonly SHUTDOWN_DELAY_MS: z.ZodType<number, string | undefined>;
  readonly SHUTDOWN_DEADLINE_MS: z.ZodType<number, string | undefined>;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT: z.ZodType<string | null, string | null | undefined>;
  readonly OTEL_TRACES_SAMPLER_ARG: z.ZodType<number, string | undefined>;
  readonly TRACES_TRUST_CALLERS: z.ZodType<boolean, string | undefined>;
} = {
  HOST: z.string().min(1).default("127.0.0.1"),
  PORT: integer(0, 65_535).prefault("8080"),
  SITE: label().prefault("local"),
  CLOUD: label().prefault("local"),
  REGION: label().prefault("local"),
  POD: label().prefault("local"),
  COMMIT: label().prefault("unknown"),
  LOG_LEVEL: logLevel().prefault("info"),
  // Every request has its line until somebody decides that there are too many.
  LOG_SAMPLE_ABOVE: integer(0, 1_000_000).prefault("0"),
  // Per client address: five hundred a second is more than one honest client sends, and behind a
  // proxy that hides its clients it does not yet cut off a whole site. 0: not limited.
  RATE_LIMIT_PER_MINUTE: integer(0, 100_000_000).prefault("30000"),
  CORS_ORIGINS: origins().prefault(""),
  TRUSTED_PROXIES: integer(0, 10).prefault("0"),
  ANSWER_TIMEOUT_MS: integer(50, 300_000).prefault("10000"),
  // At least one readiness probe of the load balancer must fall into this time, or it goes on
  // sending requests to a socket that is closed.
  SHUTDOWN_DELAY_MS: integer(0, 60_000).prefault("1000"),
  SHUTDOWN_DEADLINE_MS: integer(100, 300_000).prefault("10000"),
  // The names OpenTelemetry gives them. Without an endpoint tracing is off.
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .nullable()
    .default(null),
  OTEL_TRACES_SAMPLER_ARG: share().prefault("0.1"),
  // Anybody can send a header that asks to be recorded; those who ask have the share of all others.
  TRACES_TRUST_CALLERS: flag().prefault("false"),
};

/** Settings of a service with a PostgreSQL database. */
export const DATABASE_FIELDS: {
  readonly DATABASE_URL: z.ZodType<DatabaseAddress, string>;
  readonly DATABASE_PASSWORD: z.ZodType<string | null, string | null | undefined>;
  readonly DATABASE_PASSWORD_FILE: z.ZodType<string | null, string | null | undefined>;
  readonly DATABASE_POOL_MAX: z.ZodType<number, string | undefined>;
  readonly DATABASE_STATEMENT_TIMEOUT_MS: z.ZodType<number, string | undefined>;
} = {
  DATABASE_URL: databaseUrl(),
  // A reference to the secret (file:, env:, aws:, azure:), not the password.
  DATABASE_PASSWORD: secretReference().nullable().default(null),
  // The same as DATABASE_PASSWORD=file:…, as container images name it.
  DATABASE_PASSWORD_FILE: z.string().min(1).nullable().default(null),
  // Ten connections saturate a small PostgreSQL; more only queue inside the server.
  DATABASE_POOL_MAX: integer(1, 200).prefault("10"),
  // Longer than any honest statement, shorter than the patience of callers.
  DATABASE_STATEMENT_TIMEOUT_MS: integer(50, 60_000).prefault("3000"),
};

function logLevel(): z.ZodType<LogLevel, string> {
  return z.enum(LOG_LEVELS);
}

/** Origins separated by commas. `*` is refused: a service that is open to all pages says which. */
function origins(): z.ZodType<readonly string[], string> {
  return z
    .string()
    .transform((text) =>
      text
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== ""),
    )
    .pipe(z.array(z.string().refine(isOrigin, "must be origins like https://shop.example")));
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

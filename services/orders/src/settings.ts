/**
 * What the environment says, read once at start into a frozen object.
 *
 * Every default lives here with its reason. A problem names the variable it is about, and all
 * problems are told at once.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";

/** Where and as whom the database is reached. The password is read per connection, see `password`. */
export interface DatabaseSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** TLS as libpq's `sslmode` names it; `require` encrypts without checking who answers. */
  readonly sslMode: "disable" | "require" | "verify-full";
  /** Read again for every new connection, so that a rotated password needs no restart. */
  readonly passwordFile: string | null;
  readonly poolMax: number;
  readonly statementTimeoutMs: number;
}

/** Everything the service can be told. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly site: string;
  readonly cloud: string;
  readonly region: string;
  readonly pod: string;
  readonly logLevel: LogLevel;
  readonly database: DatabaseSettings;
  /** SQL `LIKE` pattern over the `application_name` of the standby that must hold a commit. */
  readonly barrierStandby: string;
  readonly barrierTimeoutMs: number;
  /** How long the service answers "not ready" before it stops listening. */
  readonly shutdownDelayMs: number;
  /** After this the process ends even if requests are still running. */
  readonly shutdownDeadlineMs: number;
}

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

/** The environment cannot be used. The message has one line per variable. */
export class SettingsError extends Error {
  override readonly name: string = "SettingsError";
}

/** A whole number written in decimal digits. */
function integer(min: number, max: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^\d{1,9}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));
}

const label = z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, "must be 1-100 of A-Z a-z 0-9 . _ -");

const databaseUrl = z.string({ error: "must be set" }).transform((text, context) => {
  const address = parseDatabaseUrl(text);
  if (typeof address !== "string") return address;
  context.addIssue({ code: "custom", message: address });
  return z.NEVER;
});

const environmentSchema = z.object({
  HOST: z.string().min(1).default("127.0.0.1"),
  PORT: integer(0, 65_535).prefault("8080"),
  DATABASE_URL: databaseUrl,
  DATABASE_PASSWORD_FILE: z.string().min(1).nullable().default(null),
  // Ten connections saturate a small PostgreSQL; more only queue inside the server.
  DATABASE_POOL_MAX: integer(1, 200).prefault("10"),
  // Longer than any honest statement here, shorter than the patience of callers.
  DATABASE_STATEMENT_TIMEOUT_MS: integer(50, 60_000).prefault("3000"),
  SITE: label.default("local"),
  CLOUD: label.default("local"),
  REGION: label.default("local"),
  POD: label.default("orders"),
  LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
  BARRIER_STANDBY: z.string().min(1).max(100).default("cloudphoenix%"),
  BARRIER_TIMEOUT_MS: integer(50, 60_000).prefault("5000"),
  // At least one readiness probe of the load balancer must fall into this time, or it goes on
  // sending requests to a socket that is closed.
  SHUTDOWN_DELAY_MS: integer(0, 60_000).prefault("1000"),
  SHUTDOWN_DEADLINE_MS: integer(100, 300_000).prefault("10000"),
});

/**
 * Reads and checks the settings. Variables that are set to the empty string count as unset.
 * @throws {SettingsError} naming every variable that is missing, malformed or unreadable
 */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const present = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== ""),
  );
  const parsed = environmentSchema.safeParse(present);
  if (!parsed.success) {
    throw new SettingsError(
      parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("\n"),
    );
  }
  const values = parsed.data;
  if (values.DATABASE_PASSWORD_FILE !== null) checkReadable(values.DATABASE_PASSWORD_FILE);
  return Object.freeze({
    host: values.HOST,
    port: values.PORT,
    site: values.SITE,
    cloud: values.CLOUD,
    region: values.REGION,
    pod: values.POD,
    logLevel: values.LOG_LEVEL,
    database: Object.freeze({
      ...values.DATABASE_URL,
      passwordFile: values.DATABASE_PASSWORD_FILE,
      poolMax: values.DATABASE_POOL_MAX,
      statementTimeoutMs: values.DATABASE_STATEMENT_TIMEOUT_MS,
    }),
    barrierStandby: values.BARRIER_STANDBY,
    barrierTimeoutMs: values.BARRIER_TIMEOUT_MS,
    shutdownDelayMs: values.SHUTDOWN_DELAY_MS,
    shutdownDeadlineMs: values.SHUTDOWN_DEADLINE_MS,
  });
}

type DatabaseAddress = Pick<DatabaseSettings, "host" | "port" | "user" | "database" | "sslMode">;

/** The parts of a `postgresql://` URL, or the sentence that says what is wrong with it. */
function parseDatabaseUrl(text: string): DatabaseAddress | string {
  if (!URL.canParse(text)) return "must be a postgresql:// URL";
  const url = new URL(text);
  if (url.protocol !== "postgresql:" && url.protocol !== "postgres:") {
    return "must be a postgresql:// URL";
  }
  // A password in a URL ends up in process lists and crash reports.
  if (url.password !== "") return "must not hold a password; use DATABASE_PASSWORD_FILE";
  if (url.hostname === "" || url.username === "" || url.pathname.length < 2) {
    return "must name a user, a host and a database";
  }
  const sslMode = url.searchParams.get("sslmode") ?? "disable";
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

function checkReadable(file: string): void {
  try {
    readFileSync(file);
  } catch (cause) {
    throw new SettingsError(`DATABASE_PASSWORD_FILE: cannot be read (${file})`, { cause });
  }
}

/** The parts of the chassis put together the usual way, from settings. */
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { z } from "zod";
import { Database, type DatabaseEvent } from "./database/database.ts";
import { FencedWrites } from "./failover/fenced-writes.ts";
import { SiteReader } from "./failover/site-record.ts";
import { SiteWatch } from "./failover/site-watch.ts";
import { databaseCheck, type DependencyCheck, leaseCheck } from "./health/dependency-check.ts";
import { Health } from "./health/health.ts";
import { buildServer } from "./http/build-server.ts";
import type { ServiceParts } from "./http/run-service.ts";
import type { ContentPolicy } from "./http/security-headers.ts";
import type { ServerLimits } from "./http/server-settings.ts";
import { createLogger } from "./observe/logger.ts";
import { Metrics } from "./observe/metrics.ts";
import { startTracing } from "./observe/tracing.ts";
import type { Environment } from "./secrets/cloud-credentials.ts";
import { openSecret } from "./secrets/open-secret.ts";
import type { Secret } from "./secrets/secret.ts";
import type { DATABASE_FIELDS, SERVICE_FIELDS } from "./settings/fields.ts";
import type { GuardedStorage } from "./storage/guarded-storage.ts";
import type { ObjectStorage } from "./storage/object-storage.ts";
import { openStorage } from "./storage/open-storage.ts";
import { storageCheck } from "./storage/storage-check.ts";
import type { STORAGE_FIELDS } from "./storage/storage-fields.ts";

type Output<Fields> = { readonly [Name in keyof Fields]: z.output<Fields[Name]> };

/** Settings every service has, as `readSettings` answers them. */
export type ServiceSettings = Output<typeof SERVICE_FIELDS>;

/** Settings of the database, as `readSettings` answers them. */
export type DatabaseSettings = Output<typeof DATABASE_FIELDS>;

/** Settings of the object store, as `readSettings` answers them. */
export type StorageSettings = Output<typeof STORAGE_FIELDS>;

/** What is particular to one service. */
export interface ServiceOptions {
  readonly name: string;
  readonly version: string;
  readonly settings: ServiceSettings;
  /** Where secrets and cloud credentials are looked for. */
  readonly environment: Environment;
  /** Dependencies beside the database. */
  readonly checks?: readonly DependencyCheck[];
  /** The state of the site, for a service that learns it from another one. Default: none, nothing is known. */
  readonly watch?: SiteWatch;
  /** Names of personal fields, which are hidden from logs. */
  readonly personalFields?: readonly string[];
  readonly contentPolicy?: ContentPolicy;
  readonly limits?: Partial<ServerLimits>;
}

/** A service without a database. Register routes on `app`, then hand `parts` to `runService`. */
export interface Service {
  readonly app: FastifyInstance;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  /** For `runService` or `startService`; add quiesce and closers of your own. */
  readonly parts: ServiceParts;
}

/** A service with a database whose site CloudPhoenix may move. */
export interface DatabaseService extends Service {
  readonly database: Database;
  readonly watch: SiteWatch;
  readonly writes: FencedWrites;
  /** Null unless settings name one. It is checked, measured and closed with the service. */
  readonly storage: ObjectStorage | null;
}

/** Puts a service without a database together. Starts tracing if an endpoint is set. */
export async function assembleService(options: ServiceOptions): Promise<Service> {
  const base = await begin(options);
  return finish(options, base, options.watch ?? null, options.checks ?? []);
}

/** What is particular to one service with a database. */
export interface DatabaseServiceOptions
  extends Omit<ServiceOptions, "settings" | "checks" | "watch"> {
  readonly settings: ServiceSettings & DatabaseSettings & Partial<StorageSettings>;
  /** Dependencies beside the database, for instance a queue that is kept in it. */
  readonly checks?:
    | readonly DependencyCheck[]
    | ((parts: Pick<DatabaseService, "database" | "watch">) => readonly DependencyCheck[]);
}

/** The same with a database, its health check, its metrics and writes that obey the lease. */
export async function assembleDatabaseService(
  options: DatabaseServiceOptions,
): Promise<DatabaseService> {
  const base = await begin(options);
  const { settings, name } = options;
  const password = passwordOf(settings, options.environment, base.logger);
  base.metrics.watchSecrets(() => ({ "database-password": password?.state ?? null }));
  const database = new Database({
    address: settings.DATABASE_URL,
    password,
    name: `${name} ${settings.POD}`,
    poolMax: settings.DATABASE_POOL_MAX,
    statementTimeoutMs: settings.DATABASE_STATEMENT_TIMEOUT_MS,
    onEvent: (event) => logEvent(base.logger, event),
    onLoan: (outcome, seconds) => base.metrics.callEnded("database", outcome, seconds),
    onWaited: (seconds) => base.metrics.connectionAwaited("work", seconds),
  });
  base.metrics.watchPools(() => ({ ...database.usage }));
  const watch = new SiteWatch(new SiteReader(database, settings.SITE));
  const storage = storageOf(settings, options.environment, base);
  const own = options.checks ?? [];
  const checks = [
    databaseCheck(database, watch),
    leaseCheck(watch),
    ...(storage === null ? [] : [storageCheck(storage)]),
    ...(typeof own === "function" ? own({ database, watch }) : own),
  ];
  const service = await finish(options, base, watch, checks);
  const closers = [
    () => database.close(),
    ...(storage === null ? [] : [() => storage.close()]),
    ...(service.parts.closers ?? []),
  ];
  return {
    ...service,
    parts: { ...service.parts, closers },
    database,
    watch,
    writes: new FencedWrites(database),
    storage,
  };
}

interface Base {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly closers: readonly (() => Promise<void>)[];
}

async function begin(options: Omit<ServiceOptions, "checks" | "watch">): Promise<Base> {
  const { name, version, settings } = options;
  const labels = { service: name, version, site: settings.SITE, pod: settings.POD };
  const logger = createLogger({
    labels,
    level: settings.LOG_LEVEL,
    ...(options.personalFields === undefined ? {} : { personalFields: options.personalFields }),
  });
  const metrics = new Metrics({
    service: name,
    version,
    commit: settings.COMMIT,
    site: settings.SITE,
  });
  const endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === null) return { logger, metrics, closers: [] };
  const ratio = settings.OTEL_TRACES_SAMPLER_ARG;
  const trustsCallers = settings.TRACES_TRUST_CALLERS;
  const tracing = await startTracing({ labels, endpoint, ratio, trustsCallers });
  return { logger, metrics, closers: [() => tracing.stop()] };
}

async function finish(
  options: Omit<ServiceOptions, "checks" | "watch">,
  base: Base,
  watch: SiteWatch | null,
  checks: readonly DependencyCheck[],
): Promise<Service> {
  const { settings } = options;
  const { logger, metrics } = base;
  const identity = {
    site: settings.SITE,
    cloud: settings.CLOUD,
    region: settings.REGION,
    pod: settings.POD,
  };
  const health = new Health({ identity, watch, checks });
  const app = await buildServer({
    service: options.name,
    version: options.version,
    logger,
    metrics,
    health,
    limits: { ...options.limits, answerTimeoutMs: settings.ANSWER_TIMEOUT_MS },
    rateLimit:
      settings.RATE_LIMIT_PER_MINUTE === 0
        ? null
        : { max: settings.RATE_LIMIT_PER_MINUTE, windowMs: 60_000 },
    corsOrigins: settings.CORS_ORIGINS,
    trustedProxies: settings.TRUSTED_PROXIES,
    logSampleAbove: settings.LOG_SAMPLE_ABOVE,
    ...(options.contentPolicy === undefined ? {} : { contentPolicy: options.contentPolicy }),
  });
  const parts: ServiceParts = {
    app,
    health,
    logger,
    host: settings.HOST,
    port: settings.PORT,
    shutdownDelayMs: settings.SHUTDOWN_DELAY_MS,
    shutdownDeadlineMs: settings.SHUTDOWN_DEADLINE_MS,
    closers: base.closers,
  };
  return { app, logger, metrics, health, parts };
}

function passwordOf(
  settings: DatabaseSettings,
  environment: Environment,
  logger: Logger,
): Secret | null {
  const file = settings.DATABASE_PASSWORD_FILE;
  const reference = settings.DATABASE_PASSWORD ?? (file === null ? null : `file:${file}`);
  if (reference === null) return null;
  return openSecret(reference, {
    environment,
    onWarning: (sentence) => logger.warn(sentence),
    onStale: (error) => logger.warn({ err: error }, "a secret could not be read again"),
  });
}

function storageOf(
  settings: Partial<StorageSettings>,
  environment: Environment,
  { logger, metrics }: Base,
): GuardedStorage | null {
  const { STORAGE_URL: address = null, STORAGE_KEY_FILE: file = null } = settings;
  if (address === null) return null;
  const storage = openStorage(address, {
    environment,
    keyId: settings.STORAGE_KEY_ID ?? null,
    key: settings.STORAGE_KEY ?? (file === null ? null : `file:${file}`),
    ...(settings.STORAGE_TIMEOUT_MS !== undefined && {
      attemptTimeoutMs: settings.STORAGE_TIMEOUT_MS,
    }),
    onWarning: (sentence) => logger.warn(sentence),
    onCall: (outcome, seconds) => metrics.callEnded("storage", outcome, seconds),
  });
  metrics.watchCircuits(() => ({ storage: storage.circuit }));
  return storage;
}

function logEvent(logger: Logger, event: DatabaseEvent): void {
  const { kind, ...details } = event;
  logger.warn({ event: kind, ...details }, "the way to the database changed");
}

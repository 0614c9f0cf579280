/**
 * An HTTP server with everything a service needs before its first own line.
 *
 * The order of what happens to a request is the order of the hooks below: accounted for, then
 * limited, then validated, then handled. Probe routes skip every limit.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import cors from "@fastify/cors";
import rateLimit from "@fastify/rate-limit";
import underPressure from "@fastify/under-pressure";
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { ERROR_KINDS, ServiceError } from "../errors/service-error.ts";
import type { Health } from "../health/health.ts";
import { LogSampler } from "../observe/logger.ts";
import type { Metrics } from "../observe/metrics.ts";
import { requestTracing, type RequestTracing } from "../observe/request-tracing.ts";
import type { Logger } from "pino";
import type { Deadline } from "../resilience/deadline.ts";
import { clientErrorHandler } from "./client-error.ts";
import { sendProblem } from "./error-answer.ts";
import { describeApi } from "./describe-api.ts";
import { addProbeRoutes } from "./probe-routes.ts";
import { addRefusedRoute, refusalOf, sendOnTheRoad } from "./refused-urls.ts";
import { requestAccounting, type RequestAccounting } from "./request-accounting.ts";
import { API_CONTENT_POLICY, securityHeaders, type ContentPolicy } from "./security-headers.ts";
import { DEFAULT_LIMITS, type RateLimit, type ServerLimits } from "./server-settings.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Why the request failed; for its log line. */
    problem: ServiceError | null;
    /** The time this request has. Hand it to everything that waits. */
    deadline: Deadline;
    /** The trace this request belongs to; null if nobody asked for one. */
    tracing: RequestTracing | null;
    /** Ends the wait for the handler. */
    limit: NodeJS.Timeout | null;
  }
}

/** What a server stands on. */
export interface ServerParts {
  readonly service: string;
  readonly version: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly limits?: Partial<ServerLimits>;
  /** Null: not limited. */
  readonly rateLimit: RateLimit | null;
  /** Origins whose pages may call this service. Default: none. */
  readonly corsOrigins?: readonly string[];
  /** Proxies in front whose word on the client's address is taken. Default 0. */
  readonly trustedProxies?: number;
  /** Default: an API's, see `API_CONTENT_POLICY`. */
  readonly contentPolicy?: ContentPolicy;
  /**
   * Successful requests logged per second before sampling starts, and as many of those that the
   * limits refused or whose clients hung up. Default 0: all are logged.
   */
  readonly logSampleAbove?: number;
}

/** Longer than load balancers keep idle connections by default, so they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** How often connections are looked at that are too slow. Node's own default is 30 s. */
const CHECK_CONNECTIONS_EVERY_MS = 1_000;

/**
 * Builds the server; add routes, then let `runService` listen. The plugins are loaded when it
 * resolves: routes added before would go without their limits.
 */
export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const limits = { ...DEFAULT_LIMITS, ...parts.limits };
  const app = createFastify(parts, limits);
  app.removeContentTypeParser("text/plain");
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(sendProblem);
  app.decorateRequest("problem", null);
  app.decorateRequest("tracing", null);
  app.decorateRequest("limit", null);
  // Set in the first hook.
  app.decorateRequest("deadline");
  const accounting = addAccounting(app, parts, limits);
  await addLimits(app, parts, limits, accounting);
  await describeApi(app, parts.service, parts.version);
  addProbeRoutes(app, parts.health, parts.metrics);
  addRefusedRoute(app);
  const limited = parts.rateLimit === null ? {} : { preHandler: app.rateLimit() };
  app.setNotFoundHandler(limited, (request) => {
    throw refusalOf(request);
  });
  return app;
}

function createFastify(parts: ServerParts, limits: ServerLimits): FastifyInstance {
  const logger: FastifyBaseLogger = parts.logger;
  const app: FastifyInstance = fastify({
    loggerInstance: logger,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: "requestId",
    }),
    genReqId: requestIdOf,
    bodyLimit: limits.bodyMaxBytes,
    requestTimeout: limits.arrivalTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    routerOptions: { maxParamLength: limits.paramMaxLength },
    trustProxy: (_address, hop) => hop < (parts.trustedProxies ?? 0),
    // Requests that arrive while draining are served; the answer asks the client to go elsewhere.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    http: {
      maxHeaderSize: limits.headersMaxBytes,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: CHECK_CONNECTIONS_EVERY_MS,
    },
    clientErrorHandler: clientErrorHandler(parts.metrics, headersOf(parts)),
    frameworkErrors: (error, request, reply) => sendOnTheRoad(app, error, request, reply),
  });
  app.server.maxConnections = limits.connectionsMax;
  return app;
}

/** Headers, deadline, trace, and at the end the log line and the metrics. */
function addAccounting(
  app: FastifyInstance,
  parts: ServerParts,
  limits: ServerLimits,
): RequestAccounting {
  const records = {
    metrics: parts.metrics,
    successes: new LogSampler(parts.logSampleAbove ?? 0),
    refusals: new LogSampler(parts.logSampleAbove ?? 0),
    logger: parts.logger,
  };
  const accounting = requestAccounting(records, limits.answerTimeoutMs);
  const headers = headersOf(parts);
  const beginTrace = requestTracing();
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers(headers);
    reply.header("x-request-id", request.id);
    if (parts.health.draining) reply.header("connection", "close");
    accounting.begin(request, reply);
    beginTrace(request, done);
  });
  // Reading a body leaves the trace's context; this is where it is entered again.
  app.addHook("preValidation", (request, _reply, done) => {
    if (request.tracing === null || request.body === undefined) done();
    else request.tracing.enter(done);
  });
  return accounting;
}

/** What every answer has. */
function headersOf({ contentPolicy = API_CONTENT_POLICY }: ServerParts): Record<string, string> {
  return { ...securityHeaders(contentPolicy), "cache-control": "no-store" };
}

async function addLimits(
  app: FastifyInstance,
  parts: ServerParts,
  limits: ServerLimits,
  accounting: RequestAccounting,
): Promise<void> {
  app.addHook("onRequest", (request, _reply, done) => {
    if (accounting.open > limits.inFlightMax && request.routeOptions.config.probe !== true) {
      done(overloaded());
    } else done();
  });
  await app.register(underPressure, {
    maxEventLoopDelay: limits.loopDelayMaxMs,
    pressureHandler: (request) => {
      if (request.routeOptions.config.probe !== true) throw overloaded();
    },
  });
  if ((parts.corsOrigins ?? []).length > 0) {
    await app.register(cors, { origin: [...(parts.corsOrigins ?? [])] });
  }
  if (parts.rateLimit !== null) {
    await app.register(rateLimit, {
      max: parts.rateLimit.max,
      timeWindow: parts.rateLimit.windowMs,
      enableDraftSpec: true,
      errorResponseBuilder: (_request, context) =>
        new ServiceError(ERROR_KINDS.RATE_LIMITED, "This client sends too many requests.", {
          retryAfterMs: context.ttl,
        }),
    });
  }
}

function overloaded(): ServiceError {
  return new ServiceError(ERROR_KINDS.OVERLOADED, "The service has too much to do right now.");
}

/** The caller's request id if it is harmless in logs and headers, else a new one. */
function requestIdOf(request: IncomingMessage): string {
  const offered = request.headers["x-request-id"];
  return typeof offered === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(offered)
    ? offered
    : randomUUID();
}

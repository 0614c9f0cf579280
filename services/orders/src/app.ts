/** The HTTP side of the service: routes, limits, problem documents, one log line per request. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import {
  fastify,
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import { operationsRoutes } from "./operations-routes.ts";
import { orderRoutes } from "./order-routes.ts";
import type { OrderStore } from "./order-store.ts";
import { sendProblem } from "./problem.ts";
import { ServiceError } from "./service-error.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Why the request failed; for its log line. */
    failure: ServiceError | null;
  }
}

/** What the routes stand on. */
export interface AppParts {
  readonly logger: FastifyBaseLogger;
  readonly store: OrderStore;
  readonly health: Health;
  readonly metrics: Metrics;
}

const BODY_MAX_BYTES = 64 * 1024;
/** A client that needs longer to send its request is slow on purpose or gone. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Longer than load balancers keep idle connections by default, so they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** Builds the application; it does not listen yet. */
export function buildApp(parts: AppParts): FastifyInstance {
  const app = fastify({
    loggerInstance: parts.logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    bodyLimit: BODY_MAX_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    // Requests that arrive while draining are served; the answer asks the client to go elsewhere.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    frameworkErrors: (error, request, reply) => {
      sendProblem(error, request, reply);
    },
  });
  app.removeContentTypeParser("text/plain");
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler(() => {
    throw new ServiceError("NOT_FOUND", "There is nothing at this path.");
  });
  app.decorateRequest("failure", null);
  app.addHook("onRequest", (request, reply, done) => {
    reply.header("x-request-id", request.id);
    reply.header("x-content-type-options", "nosniff");
    reply.header("cache-control", "no-store");
    if (parts.health.draining) reply.header("connection", "close");
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    recordRequest(parts.metrics, request, reply);
    done();
  });
  app.register(orderRoutes, { store: parts.store, metrics: parts.metrics });
  app.register(operationsRoutes, { health: parts.health, metrics: parts.metrics });
  return app;
}

/** The caller's request id if it is harmless in logs and headers, else a new one. */
function requestIdOf(request: IncomingMessage): string {
  const offered = request.headers["x-request-id"];
  return typeof offered === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(offered)
    ? offered
    : randomUUID();
}

function recordRequest(metrics: Metrics, request: FastifyRequest, reply: FastifyReply): void {
  const route = request.routeOptions.url ?? "unknown";
  const status = reply.statusCode;
  metrics.requestEnded({ method: request.method, route, status }, reply.elapsedTime / 1000);
  const line = {
    method: request.method,
    route,
    status,
    durationMs: Math.round(reply.elapsedTime * 10) / 10,
  };
  const { failure } = request;
  if (failure === null) {
    request.log.info(line, "request");
  } else if (failure.code === "INTERNAL") {
    request.log.error({ ...line, code: failure.code, err: failure.cause }, "request failed");
  } else {
    request.log.info({ ...line, code: failure.code, reason: reasonOf(failure) }, "request");
  }
}

/** What the failure was before it was put into words for the client; never a stack. */
function reasonOf(failure: ServiceError): string | undefined {
  return failure.cause instanceof Error ? failure.cause.message.slice(0, 300) : undefined;
}

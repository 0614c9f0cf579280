/** One line and one observation per request, whatever became of it. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ServiceError } from "../errors/service-error.ts";
import type { LogSampler } from "../observe/logger.ts";
import type { Metrics } from "../observe/metrics.ts";

/** Where requests are recorded. */
export interface RequestRecords {
  readonly metrics: Metrics;
  readonly sampler: LogSampler;
}

/** For the end of every request. */
export function recordRequest(
  { metrics, sampler }: RequestRecords,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  // What no route matched has one name: paths have no bound.
  const route = request.is404 ? "unmatched" : (request.routeOptions.url ?? "unmatched");
  const status = reply.statusCode;
  const { method, problem, tracing } = request;
  const durationMs = reply.elapsedTime;
  const traceId = tracing?.sampled === true ? tracing.traceId : null;
  metrics.requestEnded({ method, route, status }, durationMs / 1_000, traceId);

  const line = {
    method,
    route,
    status,
    durationMs: Math.round(durationMs * 10) / 10,
    ...(tracing === null ? {} : { traceId: tracing.traceId }),
  };
  if (problem !== null) logFailure(request, line, problem);
  else if (request.routeOptions.config.probe === true) request.log.debug(line, "request");
  else logSuccess(request, line, sampler);
}

function logSuccess(request: FastifyRequest, line: object, sampler: LogSampler): void {
  const weight = sampler.weigh();
  if (weight === 0) return;
  request.log.info(weight === 1 ? line : { ...line, standsFor: weight }, "request");
}

function logFailure(request: FastifyRequest, line: object, failure: ServiceError): void {
  if (failure.code === "INTERNAL") {
    request.log.error({ ...line, code: failure.code, err: failure.cause }, "request failed");
    return;
  }
  const told = { ...line, code: failure.code, reason: reasonOf(failure) };
  if (failure.status >= 500) request.log.warn(told, "request");
  else request.log.info(told, "request");
}

/** What the failure was before it was put into words for the client; never a stack. */
function reasonOf(failure: ServiceError): string | undefined {
  return failure.cause instanceof Error ? failure.cause.message.slice(0, 300) : undefined;
}

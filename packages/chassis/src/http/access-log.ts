/** One line and one observation per request, whatever became of it. */
import type { FastifyReply } from "fastify";
import type { Logger } from "pino";
import { ERROR_KINDS, type ServiceError } from "../errors/service-error.ts";
import type { LogSampler } from "../observe/logger.ts";
import type { Metrics } from "../observe/metrics.ts";

/** Status of a request whose client hung up: nobody saw an answer, and the service is not to blame. */
export const CLIENT_GONE_STATUS = 499;

/** Where requests are recorded. */
export interface RequestRecords {
  readonly metrics: Metrics;
  readonly successes: LogSampler;
  /** What a flood leaves, apart from successes: neither takes the lines of the other. */
  readonly refusals: LogSampler;
  /** Not the request's: the line names the request itself, and a child logger costs as much. */
  readonly logger: Logger;
}

/** For the end of every request. */
export function recordRequest(
  records: RequestRecords,
  { request, elapsedTime: durationMs }: FastifyReply,
  status: number,
): void {
  const { metrics, logger } = records;
  // Made anew each time it is asked for.
  const { url, config } = request.routeOptions;
  // What no route matched has one name: paths have no bound.
  const route = url === undefined || config.unmatched === true ? "unmatched" : url;
  const { method, problem, tracing } = request;
  const traceId = tracing?.sampled === true ? tracing.traceId : null;
  metrics.requestEnded({ method, route, status }, durationMs / 1_000, traceId);

  const level = levelOf(problem, config.probe === true);
  // Nobody pays for a line that is not written.
  if (!logger.isLevelEnabled(level)) return;
  const weight = level === "debug" ? 1 : weightOf(records, status, problem);
  if (weight === 0) return;
  logger[level](
    {
      requestId: request.id,
      ...(tracing === null ? {} : { traceId: tracing.traceId }),
      method,
      route,
      status,
      durationMs: Math.round(durationMs * 10) / 10,
      ...(problem === null ? {} : failureFields(problem)),
      ...(weight === 1 ? {} : { standsFor: weight }),
    },
    problem?.code === "INTERNAL" ? "request failed" : "request",
  );
}

/**
 * How many requests the line stands for; 0: it is not written. Failures of the service, and refusals
 * for what was asked, are always told. Refusals for how much was asked come in floods.
 */
function weightOf(
  { successes, refusals }: RequestRecords,
  status: number,
  problem: ServiceError | null,
): number {
  if (problem === null) return (status === CLIENT_GONE_STATUS ? refusals : successes).weigh();
  const { kind } = problem;
  const isFlood = kind === ERROR_KINDS.RATE_LIMITED || kind === ERROR_KINDS.OVERLOADED;
  return isFlood ? refusals.weigh() : 1;
}

type RequestLevel = "debug" | "info" | "warn" | "error";

function levelOf(problem: ServiceError | null, isProbe: boolean): RequestLevel {
  if (problem?.code === "INTERNAL") return "error";
  if (problem !== null && problem.status >= 500) return "warn";
  return problem === null && isProbe ? "debug" : "info";
}

/** What the failure was before it was put into words for the client; a stack only while debugging. */
function failureFields(problem: ServiceError): object {
  const { code, cause } = problem;
  if (code === "INTERNAL") return { code, err: cause };
  return { code, reason: cause instanceof Error ? cause.message.slice(0, 300) : undefined };
}

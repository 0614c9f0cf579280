/** Problem documents (RFC 9457): the one shape of every error answer. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { ServiceError } from "./service-error.ts";

interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
}

/**
 * Answers with the problem document for `error` and keeps the error for the request's log line.
 * Anything that is not a planned failure becomes `INTERNAL` and says nothing about itself.
 */
export function sendProblem(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const planned = asServiceError(error);
  request.failure = planned;
  const problem: Problem = {
    type: `urn:cloudphoenix:orders:${planned.code.toLowerCase().replaceAll("_", "-")}`,
    title: planned.title,
    status: planned.status,
    code: planned.code,
    detail: planned.message,
    requestId: request.id,
  };
  if (planned.retryable) reply.header("retry-after", "1");
  reply.code(planned.status).type("application/problem+json").send(JSON.stringify(problem));
}

function asServiceError(error: FastifyError): ServiceError {
  if (error instanceof ServiceError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    return new ServiceError("BAD_REQUEST", validationDetail(error), { cause: error });
  }
  const status = error.statusCode ?? 500;
  if (status === 413) {
    return new ServiceError("PAYLOAD_TOO_LARGE", "The body may hold at most 64 KiB.", {
      cause: error,
    });
  }
  if (status === 415) {
    return new ServiceError("UNSUPPORTED_MEDIA_TYPE", "Send application/json.", { cause: error });
  }
  if (status >= 400 && status < 500) {
    return new ServiceError("BAD_REQUEST", "The request could not be understood.", {
      cause: error,
    });
  }
  return new ServiceError("INTERNAL", "The failure has been recorded under this request id.", {
    cause: error,
  });
}

/** Names the first field that is wrong. Field names are ours; values are never repeated. */
function validationDetail(error: FastifyError): string {
  const first = error.validation?.[0];
  const path = first?.instancePath === "/" ? "" : (first?.instancePath ?? "");
  const where = `${error.validationContext ?? "request"}${path}`;
  return `${where}: ${first?.message ?? "is not valid"}`.slice(0, 300);
}

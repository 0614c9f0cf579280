/** From anything thrown to a problem document. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { ValidationError } from "../errors/failures.ts";
import { PROBLEM_JSON, problemOf, retryAfterSeconds } from "../errors/problem.ts";
import { ERROR_KINDS, ServiceError, type ErrorKind } from "../errors/service-error.ts";
import type { Deadline } from "../resilience/deadline.ts";

/**
 * Answers with the problem document for `error` and keeps the error for the request's log line.
 * Anything that is not a planned failure becomes `INTERNAL` and says nothing about itself.
 */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const planned = chargedTo(request.deadline, plannedFailure(error));
  request.problem = planned;
  const retryAfter = retryAfterSeconds(planned);
  if (retryAfter !== null) reply.header("retry-after", String(retryAfter));
  reply
    .code(planned.status)
    .type(PROBLEM_JSON)
    .serializer(JSON.stringify)
    .send(problemOf(planned, request.id));
}

/** A timer counts whole milliseconds: what waits for the deadline may be done a little before it. */
const TIMER_SLACK_MS = 2;

/**
 * Whose fault it is that time ran out. If the caller gave next to none, the status says that it is
 * the caller's (408), so that nobody can use up the error budget with a header; the code stays.
 */
function chargedTo(deadline: Deadline, failure: ServiceError): ServiceError {
  const { kind, outcome, cause, retryAfterMs } = failure;
  if (!deadline.isTight || kind.status < 500 || kind === ERROR_KINDS.INTERNAL) return failure;
  if (kind.status !== 504 && deadline.remainingMs() > TIMER_SLACK_MS) return failure;
  return new ServiceError(
    { ...kind, status: ERROR_KINDS.REQUEST_TIMEOUT.status },
    failure.message,
    { outcome, cause, ...(retryAfterMs === null ? {} : { retryAfterMs }) },
  );
}

/** What `error` means to a client. */
function plannedFailure(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    return new ValidationError(validationDetail(error), { cause: error });
  }
  const status = statusOf(error);
  if (status === 413) return of(ERROR_KINDS.PAYLOAD_TOO_LARGE, "The body is too large.", error);
  if (status === 415)
    return of(ERROR_KINDS.UNSUPPORTED_MEDIA_TYPE, "Send application/json.", error);
  if (status === 408) return of(ERROR_KINDS.REQUEST_TIMEOUT, "The request came too slowly.", error);
  if (status >= 400 && status < 500) {
    return of(ERROR_KINDS.BAD_REQUEST, "The request could not be understood.", error);
  }
  return of(ERROR_KINDS.INTERNAL, "The failure has been recorded under this request id.", error);
}

function of(kind: ErrorKind, detail: string, cause: unknown): ServiceError {
  return new ServiceError(kind, detail, { cause });
}

/** Only the framework's own errors may choose their status; others could be from anywhere. */
function statusOf(error: unknown): number {
  if (!(error instanceof Error) || !("statusCode" in error) || !("code" in error)) return 500;
  const { code, statusCode } = error;
  const isFramework = typeof code === "string" && code.startsWith("FST_");
  return isFramework && typeof statusCode === "number" ? statusCode : 500;
}

/** Names the first field that is wrong. Field names are ours; values are never repeated. */
function validationDetail(error: Pick<FastifyError, "validation" | "validationContext">): string {
  const first = error.validation?.[0];
  const path = first?.instancePath === "/" ? "" : (first?.instancePath ?? "");
  const where = `${error.validationContext ?? "request"}${path}`;
  return `${where}: ${first?.message ?? "is not valid"}`.slice(0, 300);
}

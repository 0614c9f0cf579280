/** Errors as RFC 9457 problem documents with a stable code. Nothing internal leaves this file. */

import { CloudPhoenixError, type ErrorCode } from "@cloudphoenix/core";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import type { Problem } from "./schemas/problem-schema.ts";

/** What stands against a request, in a problem document of code `GUARD_BLOCKED`. */
export interface Blocker {
  readonly name: string;
  readonly sentence: string;
}

/** A refusal that lists every blocker at once. */
export class BlockedError extends CloudPhoenixError {
  readonly blockers: readonly Blocker[];

  constructor(blockers: readonly Blocker[]) {
    const list = blockers.map(({ name, sentence }) => `${name}: ${sentence}`).join("\n");
    super("GUARD_BLOCKED", `${blockers.length} blockers stand against it:\n${list}`, {
      retryable: false,
      hint: "Remove every blocker, or ask for a dry run to see how each is judged.",
    });
    this.blockers = blockers;
  }
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  BAD_REQUEST: 400,
  CONFIG_INVALID: 400,
  UNAUTHORIZED: 401,
  NOT_FOUND: 404,
  CONFLICT: 409,
  STALE_GENERATION: 409,
  CLAIM_LOST: 409,
  PLAN_REFUSED: 409,
  GUARD_BLOCKED: 409,
  APPROVAL_REQUIRED: 409,
  LEASE_REFUSED: 409,
  PROMISE_REFUSED: 409,
  FENCE_UNPROVEN: 409,
  PROMOTION_REFUSED: 409,
  TRAFFIC_REFUSED: 409,
  REPLICATION_PREFLIGHT: 409,
  REPLICATION_BROKEN: 409,
  OBJECT_GONE: 409,
  OBJECT_CHANGED: 409,
  OBJECT_NAME_REFUSED: 409,
  OBJECT_REFUSED: 409,
  DELETES_REFUSED: 409,
  ALREADY_RUNNING: 409,
  NOT_RUNNING: 409,
  NOT_LEADER: 503,
  STATE_UNAVAILABLE: 503,
  UNREACHABLE: 503,
  ABORTED: 503,
  OBJECT_STORE_UNREACHABLE: 503,
  OBJECT_STORE_DENIED: 502,
  OBJECT_CORRUPT: 502,
  LISTING_BROKEN: 502,
  TIMED_OUT: 504,
  DISK_FULL: 507,
  CONFIG_UNREADABLE: 500,
  STATE_VERSION: 500,
  PORT_TAKEN: 500,
  UNSUPPORTED_PLATFORM: 500,
  INTERNAL: 500,
};

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad request",
  401: "Unauthorized",
  404: "Not found",
  409: "Conflict",
  413: "Body too large",
  415: "Unsupported media type",
  500: "Internal error",
  502: "Bad gateway",
  503: "Unavailable",
  504: "Timed out",
  507: "Disk full",
};

/** Answers `error` as a problem document; what is not meant for clients is only logged. */
export function answerProblem(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const problem = problemOf(error, request.id);
  if (problem.status >= 500) request.log.error({ err: error }, "request failed");
  if (problem.status === 503) reply.header("retry-after", "1");
  reply
    .code(problem.status)
    .header("content-type", "application/problem+json")
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem);
}

function problemOf(error: FastifyError | CloudPhoenixError, requestId: string): Problem {
  if (error instanceof CloudPhoenixError) return plannedProblem(error, requestId);
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map(({ instancePath, message }) => ({
      path: `${error.validationContext ?? "body"}${instancePath.replaceAll("/", ".")}`,
      message: message ?? "is not valid",
    }));
    const detail = errors.map(({ path, message }) => `${path}: ${message}`).join("; ");
    return { ...problemFor("BAD_REQUEST", 400, { detail, requestId }), errors };
  }
  const status = error.statusCode ?? 500;
  if (status < 400 || status >= 500) return internalProblem(requestId);
  // Fastify's own refusals (bad JSON, too large, wrong type) speak of the request only.
  return problemFor("BAD_REQUEST", status, { detail: error.message, requestId });
}

function plannedProblem(error: CloudPhoenixError, requestId: string): Problem {
  const { code, message, hint } = error;
  if (code === "INTERNAL") return internalProblem(requestId);
  const document = problemFor(code, STATUS[code], { detail: message, hint, requestId });
  return error instanceof BlockedError ? { ...document, blockers: error.blockers } : document;
}

function internalProblem(requestId: string): Problem {
  const detail = "something failed inside the controller";
  const hint = "Search the controller's log for the request id.";
  return problemFor("INTERNAL", 500, { detail, hint, requestId });
}

function problemFor(
  code: ErrorCode,
  status: number,
  rest: Pick<Problem, "detail" | "hint" | "requestId">,
): Problem {
  return { type: "about:blank", title: TITLES[status] ?? "Refused", status, code, ...rest };
}

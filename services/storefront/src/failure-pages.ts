/** Failures as pages, with the status and the `Retry-After` that programs look at. */
import {
  ERROR_KINDS,
  type ErrorKind,
  retryAfterSeconds,
  ServiceError,
} from "@cloudphoenix/chassis";
import type { FastifyInstance } from "fastify";
import type { Assets } from "./assets.ts";
import { sendPage } from "./page-parts.ts";
import { troublePage } from "./pages/trouble-page.ts";

/** Every failure of a route of `app` becomes a page. */
export function answerFailuresWithPages(app: FastifyInstance, assets: Assets): void {
  app.setErrorHandler((error, request, reply) => {
    const failure = plannedFailure(error);
    request.problem = failure;
    const { status, title, message: detail } = failure;
    const wait = retryAfterSeconds(failure);
    if (wait !== null) reply.header("retry-after", String(wait));
    const trouble = { title, detail, retryAfterSeconds: wait, requestId: request.id };
    return sendPage(reply.code(status), assets, { title, content: troublePage(trouble) });
  });
}

/** Only planned failures say what happened; the others are in the log under the request's id. */
export function plannedFailure(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  return new ServiceError(kindOf(error), "The shop could not do what was asked.", { cause: error });
}

/** Of the framework's own errors. */
function kindOf(error: unknown): ErrorKind {
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  if (status === 413) return ERROR_KINDS.PAYLOAD_TOO_LARGE;
  if (status === 415) return ERROR_KINDS.UNSUPPORTED_MEDIA_TYPE;
  return status >= 400 && status < 500 ? ERROR_KINDS.BAD_REQUEST : ERROR_KINDS.INTERNAL;
}

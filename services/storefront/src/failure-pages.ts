/** Failures as pages, with the status and the `Retry-After` that programs look at. */
import {
  ERROR_KINDS,
  type ErrorKind,
  retryAfterSeconds,
  ServiceError,
} from "@cloudphoenix/chassis";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Assets } from "./assets.ts";
import { sendPage } from "./page-parts.ts";
import { type Trouble, troublePage } from "./pages/trouble-page.ts";

/** Every failure of a route of `app` becomes a page. */
export function answerFailuresWithPages(app: FastifyInstance, assets: Assets): void {
  app.setErrorHandler((error, request, reply) => {
    const failure = plannedFailure(error);
    request.problem = failure;
    const status = statusFor(failure, request);
    const { title, detail } = wordsFor(failure);
    const wait = retryAfterSeconds(failure);
    if (wait !== null) reply.header("retry-after", String(wait));
    const trouble = { title, detail, retryAfterSeconds: wait, requestId: request.id };
    return sendPage(reply.code(status), assets, { title, content: troublePage(trouble) });
  });
}

/**
 * The status of a failure. As everywhere in the chassis, time that ran out because the caller gave next
 * to none is the caller's (408): nobody uses up the error budget with a header.
 */
export function statusFor(
  { status }: ServiceError,
  { deadline }: Pick<FastifyRequest, "deadline">,
): number {
  const isOver = status === 504 || (status > 500 && deadline.remainingMs() === 0);
  return deadline.isTight && isOver ? ERROR_KINDS.REQUEST_TIMEOUT.status : status;
}

/** What visitors are told of failures whose own words name the inside. */
const AWAY = {
  title: "The shop cannot do that right now",
  detail: "Orders cannot be reached at this moment.",
};
const BUSY = { title: "The shop is busy", detail: "Too many people want something at once." };
const SLOW = {
  title: "The shop did not answer in time",
  detail: "It may have arrived all the same; sent again, it is done once.",
};

const WORDS: Readonly<Record<string, Pick<Trouble, "title" | "detail">>> = {
  DATABASE_UNAVAILABLE: AWAY,
  DEPENDENCY_UNAVAILABLE: AWAY,
  OVERLOADED: BUSY,
  SATURATED: BUSY,
  DATABASE_TIMEOUT: SLOW,
  DEPENDENCY_TIMEOUT: SLOW,
  DEADLINE_EXCEEDED: SLOW,
};

function wordsFor({ code, title, message }: ServiceError): Pick<Trouble, "title" | "detail"> {
  return WORDS[code] ?? { title, detail: message };
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

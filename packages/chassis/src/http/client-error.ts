/** Answers to what never became a request: malformed, oversized or too slow to arrive. */
import type { Socket } from "node:net";
import { PROBLEM_JSON, problemOf } from "../errors/problem.ts";
import { ERROR_KINDS, ServiceError } from "../errors/service-error.ts";
import type { Metrics, RefusalReason } from "../observe/metrics.ts";

const REFUSALS = {
  "headers-too-large": new ServiceError(
    ERROR_KINDS.HEADERS_TOO_LARGE,
    "Send fewer or shorter headers.",
  ),
  "too-slow": new ServiceError(ERROR_KINDS.REQUEST_TIMEOUT, "The request came too slowly."),
  malformed: new ServiceError(ERROR_KINDS.BAD_REQUEST, "The request could not be understood."),
} as const;

/**
 * Answers a function that answers with a problem document if the client can still be reached, and
 * closes the connection.
 * @param headers - of every answer
 */
export function clientErrorHandler(
  metrics: Metrics,
  headers: Readonly<Record<string, string>>,
): (error: ConnectionError, socket: Socket) => void {
  const answers = {
    "headers-too-large": answerOf("headers-too-large", headers),
    "too-slow": answerOf("too-slow", headers),
    malformed: answerOf("malformed", headers),
  };
  return (error, socket) => {
    const reason = reasonOf(error.code);
    metrics.connectionRefused(reason);
    if (reason === "reset" || !socket.writable) socket.destroy();
    else socket.end(answers[reason]);
  };
}

interface ConnectionError extends Error {
  readonly code?: string;
}

/** The bytes of the whole answer. */
function answerOf(
  reason: keyof typeof REFUSALS,
  headers: Readonly<Record<string, string>>,
): string {
  const refusal = REFUSALS[reason];
  const body = JSON.stringify(problemOf(refusal, "none"));
  return [
    `HTTP/1.1 ${refusal.status} ${refusal.title}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-type: ${PROBLEM_JSON}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}

function reasonOf(code: string | undefined): RefusalReason {
  if (code === "ECONNRESET" || code === "EPIPE") return "reset";
  if (code === "HPE_HEADER_OVERFLOW") return "headers-too-large";
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? "too-slow" : "malformed";
}

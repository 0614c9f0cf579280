/** Answers to what never became a request: malformed, oversized or too slow to arrive. */
import type { Socket } from "node:net";
import { problemOf } from "../errors/problem.ts";
import { ERROR_KINDS, ServiceError } from "../errors/service-error.ts";
import type { Metrics } from "../observe/metrics.ts";

const REFUSALS = {
  "headers-too-large": new ServiceError(
    ERROR_KINDS.HEADERS_TOO_LARGE,
    "Send fewer or shorter headers.",
  ),
  "too-slow": new ServiceError(ERROR_KINDS.REQUEST_TIMEOUT, "The request came too slowly."),
  malformed: new ServiceError(ERROR_KINDS.BAD_REQUEST, "The request could not be understood."),
} as const;

/** Answers with a problem document if the client can still be reached, and closes the connection. */
export function answerClientError(
  error: Error & { readonly code?: string },
  socket: Socket,
  metrics: Metrics,
): void {
  const reason = reasonOf(error.code);
  metrics.connectionRefused(reason);
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal = REFUSALS[reason];
  const body = JSON.stringify(problemOf(refusal, "none"));
  socket.end(
    [
      `HTTP/1.1 ${refusal.status} ${refusal.title}`,
      "Content-Type: application/problem+json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Connection: close",
      "",
      body,
    ].join("\r\n"),
  );
}

function reasonOf(code: string | undefined): keyof typeof REFUSALS {
  if (code === "HPE_HEADER_OVERFLOW") return "headers-too-large";
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? "too-slow" : "malformed";
}

/**
 * Counts requests in and out, limits their time, and records each of them once.
 *
 * The end of a request is the `close` of its response. Node emits it once for every response: after
 * the last byte is handed over, or when the connection ends before that, those included that were
 * sent behind it on the same connection. Fastify's own hooks run only for answers that were sent.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { DeadlineExceededError } from "../errors/failures.ts";
import { Deadline, DEADLINE_HEADER } from "../resilience/deadline.ts";
import { CLIENT_GONE_STATUS, recordRequest, type RequestRecords } from "./access-log.ts";
import { sendProblem } from "./error-answer.ts";

/** The requests of one server. */
export interface RequestAccounting {
  /** Requests that have come and are not closed yet. */
  readonly open: number;
  /** Counts the request in, once, and begins its time. */
  begin(request: FastifyRequest, reply: FastifyReply): void;
}

/** @param answerTimeoutMs - longest a request may be worked on; callers may ask for less */
export function requestAccounting(
  records: RequestRecords,
  answerTimeoutMs: number,
): RequestAccounting {
  // A set of the responses would cost more than all else here: each of them would need a hash.
  let open = 0;
  return {
    get open() {
      return open;
    },
    begin(request, reply) {
      open += 1;
      reply.raw.once("close", () => {
        open -= 1;
        end(records, reply, reply.raw.writableFinished);
      });
      const deadline = Deadline.fromHeader(request.headers[DEADLINE_HEADER], answerTimeoutMs);
      request.deadline = deadline;
      request.limit = setTimeout(answerLate, deadline.remainingMs(), request, reply);
    },
  };
}

function end(records: RequestRecords, reply: FastifyReply, answered: boolean): void {
  const { request } = reply;
  if (request.limit !== null) clearTimeout(request.limit);
  if (!answered) {
    request.deadline.cancel(new DeadlineExceededError("The client has gone away."));
  }
  request.deadline.release();
  const status = answered ? reply.statusCode : CLIENT_GONE_STATUS;
  recordRequest(records, reply, status);
  request.tracing?.end(status);
}

/** Answers in place of a handler that takes too long, and lets it know. */
function answerLate(request: FastifyRequest, reply: FastifyReply): void {
  if (reply.sent) return;
  const failure = new DeadlineExceededError("The request ran out of time; its outcome is unknown.");
  request.deadline.cancel(failure);
  // Cancelling may have made the handler answer.
  if (!reply.sent) sendProblem(failure, request, reply);
}

/** One request from its first byte to its answer: faults, identity, operation, errors. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { payloadHashOf } from "../body/expected-body.ts";
import type { FaultBoard, FaultEffect } from "../faults/fault-board.ts";
import type { OperationCounters } from "../faults/operation-counters.ts";
import { requireExpectedOwner } from "../operations/properties.ts";
import {
  type RefusalReason,
  SignatureRefusal,
  type SignatureVerifier,
  type VerifiedSignature,
} from "../signature/verify-signature.ts";
import type { Answer, S3Call, S3Services } from "./call.ts";
import { readRequest, type S3Request } from "./request.ts";
import { OPERATIONS, type OperationName, operationOf } from "./route.ts";
import { isS3ErrorCode, S3Error, type S3ErrorCode } from "./s3-error.ts";
import { sendAnswer } from "./send-answer.ts";

export interface RequestHandlerParts {
  readonly services: S3Services;
  readonly verifier: SignatureVerifier;
  readonly faults: FaultBoard;
  readonly counters: OperationCounters;
  readonly hostSuffixes: readonly string[];
  /** Hears of failures that are ours. */
  readonly onInternalError: (error: unknown) => void;
}

/** So much of a refused body is still read, so that the client gets to see the answer. */
const DRAIN_MAX_BYTES = 16 * 1024 * 1024;
const DRAIN_MAX_MS = 5_000;

export class RequestHandler {
  readonly #parts: RequestHandlerParts;
  readonly #start = process.hrtime.bigint().toString(16).toUpperCase();
  #count = 0;

  constructor(parts: RequestHandlerParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  async handle(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    expectsContinue: boolean,
  ): Promise<void> {
    this.#count += 1;
    const requestId = `${this.#start}${this.#count.toString(16).toUpperCase().padStart(6, "0")}`;
    outgoing.setHeader("x-amz-request-id", requestId);
    outgoing.setHeader("x-amz-id-2", "local-objects");
    try {
      const request = readRequest(
        { incoming, outgoing, requestId, expectsContinue },
        this.#parts.hostSuffixes,
      );
      await this.#serve(request, operationOf(request));
    } catch (error) {
      await this.#fail({ incoming, outgoing, requestId }, error);
    }
  }

  async #serve(request: S3Request, operation: OperationName): Promise<void> {
    const { faults, counters } = this.#parts;
    counters.request(operation);
    const effects = faults.strike({ operation, key: request.key });
    if (effects.length > 0 && !(await suffers(request, effects))) return;
    let answer: Answer;
    try {
      answer = await this.#perform(request, operation, effects);
    } catch (error) {
      if (error instanceof S3Error) counters.error(operation, error.code);
      throw error;
    }
    if (effects.some(({ kind }) => kind === "lose-answer")) {
      if (typeof answer.body === "object" && "close" in answer.body) answer.body.close();
      request.incoming.socket.resetAndDestroy();
      return;
    }
    await sendAnswer(request.outgoing, answer, request.method, effects);
  }

  async #perform(
    request: S3Request,
    operation: OperationName,
    effects: readonly FaultEffect[],
  ): Promise<Answer> {
    for (const effect of effects) {
      if (effect.kind === "error") throw new S3Error(codeOf(effect.code));
    }
    const call: S3Call = {
      request,
      signature: this.#verify(request),
      services: this.#parts.services,
      listFault: listFaultOf(effects),
    };
    requireExpectedOwner(call);
    return OPERATIONS[operation](call);
  }

  #verify(request: S3Request): VerifiedSignature {
    const { method, path, query, incoming } = request;
    try {
      return this.#parts.verifier.verify({
        method,
        path,
        query: query.pairs,
        headers: incoming.headers,
        payloadHash: payloadHashOf(request),
      });
    } catch (error) {
      if (!(error instanceof SignatureRefusal)) throw error;
      throw refusalOf(error, request, this.#parts.services.region);
    }
  }

  async #fail(
    frame: Pick<S3Request, "incoming" | "outgoing" | "requestId">,
    error: unknown,
  ): Promise<void> {
    const { incoming, outgoing, requestId } = frame;
    // The client is gone, in the middle of its own body perhaps: there is nobody to answer.
    if (outgoing.destroyed || incoming.socket.destroyed) return;
    if (outgoing.headersSent) {
      this.#parts.onInternalError(error);
      incoming.socket.resetAndDestroy();
      return;
    }
    if (!(error instanceof S3Error)) this.#parts.onInternalError(error);
    const told = error instanceof S3Error ? error : new S3Error("InternalError");
    await drain(incoming);
    const body = told.toXml(incoming.url?.split("?", 1)[0] ?? "/", requestId);
    const closing = incoming.complete ? {} : { connection: "close" };
    const headers = { "content-type": "application/xml", ...closing, ...told.headers };
    const answer = { status: told.status, headers, body };
    await sendAnswer(outgoing, answer, incoming.method ?? "GET", []).catch(() => undefined);
  }
}

/** Effects before any work. False if the request ends with them. */
async function suffers(request: S3Request, effects: readonly FaultEffect[]): Promise<boolean> {
  for (const effect of effects) {
    if (effect.kind === "delay") await wait(effect.delayMs);
    if (effect.kind === "refuse") request.incoming.socket.resetAndDestroy();
    if (effect.kind === "refuse" || effect.kind === "hang") return false;
  }
  return true;
}

function listFaultOf(effects: readonly FaultEffect[]): S3Call["listFault"] {
  if (effects.some(({ kind }) => kind === "list-empty")) return "empty";
  return effects.some(({ kind }) => kind === "list-reversed") ? "reversed" : null;
}

function codeOf(name: string): S3ErrorCode {
  return isS3ErrorCode(name) ? name : "InternalError";
}

/** Reads on for a while, so that closing the connection does not reset the answer away. */
async function drain(incoming: IncomingMessage): Promise<void> {
  const isWaiting = incoming.headers.expect !== undefined;
  if (incoming.complete || isWaiting) return;
  const limit = AbortSignal.timeout(DRAIN_MAX_MS);
  let bytes = 0;
  await new Promise<void>((resolve) => {
    const finish = (): void => resolve();
    incoming.on("data", (block: Buffer) => {
      bytes += block.length;
      if (bytes > DRAIN_MAX_BYTES) finish();
    });
    incoming.once("end", finish).once("error", finish).once("close", finish);
    limit.addEventListener("abort", finish, { once: true });
    incoming.resume();
  });
}

/** The same refusals in S3's words. */
const REFUSALS: Readonly<Record<RefusalReason, (message: string) => S3Error>> = {
  ambiguous: (message) => new S3Error("InvalidArgument", { message }),
  expired: (message) => new S3Error("AccessDenied", { message }),
  malformed: (message) => new S3Error("AuthorizationHeaderMalformed", { message }),
  missing: () => new S3Error("AccessDenied"),
  mismatch: () => new S3Error("SignatureDoesNotMatch"),
  "not-yet-valid": (message) => new S3Error("AccessDenied", { message }),
  skewed: (ServerTime) => new S3Error("RequestTimeTooSkewed", { details: { ServerTime } }),
  token: () => new S3Error("InvalidToken"),
  "unknown-key": (AWSAccessKeyId) =>
    new S3Error("InvalidAccessKeyId", { details: { AWSAccessKeyId } }),
  "unsigned-header": (HeadersNotSigned) =>
    new S3Error("AccessDenied", {
      message: "There were headers present in the request which were not signed",
      details: { HeadersNotSigned },
    }),
  "wrong-scope": (message) => new S3Error("AuthorizationHeaderMalformed", { message }),
};

function refusalOf(
  { reason, message }: SignatureRefusal,
  request: S3Request,
  region: string,
): S3Error {
  const refusal = REFUSALS[reason](message);
  if (refusal.code !== "AuthorizationHeaderMalformed") return refusal;
  const isLink = request.query.has("X-Amz-Algorithm");
  const code = isLink ? "AuthorizationQueryParametersError" : refusal.code;
  return new S3Error(code, { message, details: { Region: region } });
}

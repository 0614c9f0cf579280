/**
 * Failures the service plans for. Clients match `code`; it never changes once published.
 *
 * The message goes to the client, so it never holds SQL, addresses or names of the inside; what
 * really happened travels in `cause` and reaches only the log.
 */

const KINDS = {
  BAD_REQUEST: { status: 400, title: "The request is not valid" },
  NOT_FOUND: { status: 404, title: "No such resource" },
  ORDER_NOT_FOUND: { status: 404, title: "No such order" },
  PAYLOAD_TOO_LARGE: { status: 413, title: "The request body is too large" },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: "The request body must be JSON" },
  IDEMPOTENCY_MISMATCH: { status: 422, title: "The key was used for a different request" },
  INTERNAL: { status: 500, title: "Something went wrong here" },
  READ_ONLY: { status: 503, title: "Writes are closed at this site" },
  WRITE_UNCERTAIN: { status: 503, title: "Nobody can say whether the order will stay" },
  SATURATED: { status: 503, title: "Too many requests are waiting" },
  DATABASE_UNAVAILABLE: { status: 503, title: "The database cannot be reached" },
  DATABASE_TIMEOUT: { status: 504, title: "The database did not answer in time" },
  DURABILITY_UNKNOWN: { status: 504, title: "The order is not known to be safe yet" },
} as const;

/** Stable names of everything that can go wrong, as they appear in problem documents. */
export type ProblemCode = keyof typeof KINDS;

/** A planned failure: it has a code, a status and an answer to "shall I try again?". */
export class ServiceError extends Error {
  override readonly name: string = "ServiceError";
  readonly code: ProblemCode;

  /** @param detail - one sentence for the client */
  constructor(code: ProblemCode, detail: string, options: { readonly cause?: unknown } = {}) {
    super(detail, options);
    this.code = code;
  }

  get status(): number {
    return KINDS[this.code].status;
  }

  get title(): string {
    return KINDS[this.code].title;
  }

  /** Whether the same request may succeed later, unchanged. */
  get retryable(): boolean {
    return this.status >= 503;
  }
}

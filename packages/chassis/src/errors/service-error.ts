/**
 * Failures a service plans for.
 *
 * 1. Clients match `code`; it never changes once published.
 * 2. The message goes to the client, so it never holds SQL, addresses or names of the inside; what
 *    really happened travels in `cause` and reaches only the log.
 * 3. `retryable` means: the same request, unchanged and with the same idempotency key, may succeed.
 */

/** One kind of failure. A service defines its own beside the ones below. */
export interface ErrorKind {
  /** Stable, in capitals, for instance `ORDER_NOT_FOUND`. */
  readonly code: string;
  readonly status: number;
  /** The same for every failure of this kind. */
  readonly title: string;
  readonly retryable: boolean;
}

type KindCode =
  | "BAD_REQUEST"
  | "UNAUTHORIZED"
  | "NOT_FOUND"
  | "REQUEST_TIMEOUT"
  | "IDEMPOTENCY_IN_PROGRESS"
  | "OBJECT_EXISTS"
  | "PAYLOAD_TOO_LARGE"
  | "OBJECT_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "IDEMPOTENCY_MISMATCH"
  | "RATE_LIMITED"
  | "HEADERS_TOO_LARGE"
  | "INTERNAL"
  | "READ_ONLY"
  | "WRITE_UNCERTAIN"
  | "SATURATED"
  | "OVERLOADED"
  | "DATABASE_UNAVAILABLE"
  | "OBJECT_DAMAGED"
  | "STORAGE_REFUSED"
  | "STORAGE_UNAVAILABLE"
  | "DEPENDENCY_UNAVAILABLE"
  | "DATABASE_TIMEOUT"
  | "STORAGE_TIMEOUT"
  | "DEPENDENCY_TIMEOUT"
  | "DEADLINE_EXCEEDED";

/** The kinds every service has. The status says whose fault it is: 4xx the caller's, 5xx ours. */
export const ERROR_KINDS: Readonly<Record<KindCode, ErrorKind>> = {
  BAD_REQUEST: final("BAD_REQUEST", 400, "The request is not valid"),
  UNAUTHORIZED: final("UNAUTHORIZED", 401, "Credentials are missing or wrong"),
  NOT_FOUND: final("NOT_FOUND", 404, "No such resource"),
  REQUEST_TIMEOUT: passing("REQUEST_TIMEOUT", 408, "The request arrived too slowly"),
  IDEMPOTENCY_IN_PROGRESS: passing("IDEMPOTENCY_IN_PROGRESS", 409, "The same request is running"),
  OBJECT_EXISTS: final("OBJECT_EXISTS", 409, "Another object has this name"),
  PAYLOAD_TOO_LARGE: final("PAYLOAD_TOO_LARGE", 413, "The request body is too large"),
  OBJECT_TOO_LARGE: final("OBJECT_TOO_LARGE", 413, "The object is too large"),
  UNSUPPORTED_MEDIA_TYPE: final("UNSUPPORTED_MEDIA_TYPE", 415, "The body must be JSON"),
  IDEMPOTENCY_MISMATCH: final("IDEMPOTENCY_MISMATCH", 422, "The key was used for another request"),
  RATE_LIMITED: passing("RATE_LIMITED", 429, "Too many requests from this client"),
  HEADERS_TOO_LARGE: final("HEADERS_TOO_LARGE", 431, "The request headers are too large"),
  INTERNAL: final("INTERNAL", 500, "Something went wrong here"),
  READ_ONLY: passing("READ_ONLY", 503, "Writes are closed at this site"),
  WRITE_UNCERTAIN: passing("WRITE_UNCERTAIN", 503, "The write cannot be confirmed"),
  SATURATED: passing("SATURATED", 503, "Too many requests are waiting"),
  OVERLOADED: passing("OVERLOADED", 503, "The service sheds load"),
  DATABASE_UNAVAILABLE: passing("DATABASE_UNAVAILABLE", 503, "The database cannot be reached"),
  OBJECT_DAMAGED: passing("OBJECT_DAMAGED", 502, "The object is damaged"),
  STORAGE_REFUSED: passing("STORAGE_REFUSED", 503, "The object store cannot be used"),
  STORAGE_UNAVAILABLE: passing("STORAGE_UNAVAILABLE", 503, "The object store cannot be reached"),
  DEPENDENCY_UNAVAILABLE: passing("DEPENDENCY_UNAVAILABLE", 503, "A dependency is down"),
  DATABASE_TIMEOUT: passing("DATABASE_TIMEOUT", 504, "The database did not answer in time"),
  STORAGE_TIMEOUT: passing("STORAGE_TIMEOUT", 504, "The object store did not answer in time"),
  DEPENDENCY_TIMEOUT: passing("DEPENDENCY_TIMEOUT", 504, "A dependency did not answer in time"),
  DEADLINE_EXCEEDED: passing("DEADLINE_EXCEEDED", 504, "The request ran out of time"),
};

/**
 * What is known about the write a failed call was to make. `none`: it did not happen, so anything
 * may be tried again. `unknown`: it may have happened; only an idempotent call may be repeated.
 */
export type Outcome = "none" | "unknown";

/** What a `ServiceError` carries besides kind and message. */
export interface ErrorDetails {
  readonly cause?: unknown;
  /** Default `none`. */
  readonly outcome?: Outcome;
  /** When to try again, if whoever failed said so. Clients are told one second otherwise. */
  readonly retryAfterMs?: number;
}

/** A planned failure: it has a code, a status and an answer to "shall I try again?". */
export class ServiceError extends Error {
  override readonly name: string = "ServiceError";
  readonly kind: ErrorKind;
  readonly outcome: Outcome;
  /** Null if trying again is pointless. */
  readonly retryAfterMs: number | null;
  /** The same, but only if whoever failed asked for it: before, trying again is no use to anybody. */
  readonly askedToWaitMs: number | null;

  /** @param detail - one sentence for the client */
  constructor(kind: ErrorKind, detail: string, details: ErrorDetails = {}) {
    super(detail, details.cause === undefined ? {} : { cause: details.cause });
    this.kind = kind;
    this.outcome = details.outcome ?? "none";
    this.retryAfterMs = kind.retryable ? (details.retryAfterMs ?? 1_000) : null;
    this.askedToWaitMs = kind.retryable ? (details.retryAfterMs ?? null) : null;
  }

  get code(): string {
    return this.kind.code;
  }

  get status(): number {
    return this.kind.status;
  }

  get title(): string {
    return this.kind.title;
  }

  get retryable(): boolean {
    return this.kind.retryable;
  }
}

function final(code: KindCode, status: number, title: string): ErrorKind {
  return { code, status, title, retryable: false };
}

function passing(code: KindCode, status: number, title: string): ErrorKind {
  return { code, status, title, retryable: true };
}

/** The failures of the launcher. Same fields as CloudPhoenix's own errors, without depending on them. */

export type LocalPostgresErrorCode =
  | "ABORTED"
  | "CONFLICT"
  | "DISK_FULL"
  | "NOT_RUNNING"
  | "PORT_TAKEN"
  | "STATE_UNAVAILABLE"
  | "STATE_VERSION"
  | "TIMED_OUT"
  | "UNAUTHORIZED"
  | "UNSUPPORTED_PLATFORM";

/** What an error carries besides its code and message. */
interface LocalPostgresErrorDetails {
  /** Whether the same call may succeed later, unchanged. */
  readonly retryable?: boolean;
  /** What the operator should do next, as one imperative sentence. */
  readonly hint: string;
  readonly cause?: unknown;
}

/** A failure to find, create, start or stop a local PostgreSQL server. Match `code`, show `hint`. */
export class LocalPostgresError extends Error {
  override readonly name: string = "LocalPostgresError";
  readonly code: LocalPostgresErrorCode;
  readonly retryable: boolean;
  readonly hint: string;

  constructor(code: LocalPostgresErrorCode, message: string, details: LocalPostgresErrorDetails) {
    super(message, { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? false;
    this.hint = details.hint;
  }
}

/** The failures of the launchers. Same fields as CloudPhoenix's own errors, without depending on them. */

export type LocalObjectsErrorCode =
  | "ABORTED"
  | "CONFIG_INVALID"
  | "PORT_TAKEN"
  | "STATE_UNAVAILABLE"
  | "STATE_VERSION"
  | "TIMED_OUT";

/** What an error carries besides its code and message. */
interface LocalObjectsErrorDetails {
  /** Whether the same call may succeed later, unchanged. */
  readonly retryable?: boolean;
  /** What the operator should do next, as one imperative sentence. */
  readonly hint: string;
  readonly cause?: unknown;
}

/** A failure to start or stop a local object store. Match `code`, show `hint`. */
export class LocalObjectsError extends Error {
  override readonly name: string = "LocalObjectsError";
  readonly code: LocalObjectsErrorCode;
  readonly retryable: boolean;
  readonly hint: string;

  constructor(code: LocalObjectsErrorCode, message: string, details: LocalObjectsErrorDetails) {
    super(message, { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? false;
    this.hint = details.hint;
  }
}

/** Whether `error` is a failed system call with this code, for instance `ENOENT`. */
export function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

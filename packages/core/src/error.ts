/**
 * The one error class that crosses package borders, and its codes.
 *
 * Programs match `code`; people read `message` and follow `hint`. Codes are part of the API: they
 * appear in `--json` output, in problem documents and in docs/reference/errors.md.
 */

/** Stable names of everything that can go wrong on purpose. Add here, never rename. */
export type ErrorCode =
  | "CONFIG_INVALID"
  | "CONFIG_UNREADABLE"
  | "UNREACHABLE"
  | "TIMED_OUT"
  | "ABORTED"
  | "UNAUTHORIZED"
  | "NOT_FOUND"
  | "CONFLICT"
  | "STALE_GENERATION"
  | "NOT_LEADER"
  | "PLAN_REFUSED"
  | "GUARD_BLOCKED"
  | "APPROVAL_REQUIRED"
  | "FENCE_UNPROVEN"
  | "REPLICATION_PREFLIGHT"
  | "REPLICATION_BROKEN"
  | "PROMOTION_REFUSED"
  | "TRAFFIC_REFUSED"
  | "STATE_UNAVAILABLE"
  | "STATE_VERSION"
  | "PORT_TAKEN"
  | "DISK_FULL"
  | "ALREADY_RUNNING"
  | "NOT_RUNNING"
  | "UNSUPPORTED_PLATFORM"
  | "BAD_REQUEST"
  | "INTERNAL";

/** What a `CloudPhoenixError` carries besides its message. */
export interface ErrorDetails {
  /** Whether the same call may succeed later, unchanged. Runners retry only if so. */
  readonly retryable: boolean;
  /** What the operator should do next, as one imperative sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** A failure somebody planned for: it has a code, an answer to "retry?", and a next step. */
export class CloudPhoenixError extends Error {
  override readonly name: string = "CloudPhoenixError";
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails) {
    super(message, { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable;
    this.hint = details.hint;
  }
}

/** Whether `error` is ours and carries `code`; works across module copies and serialisation. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === code;
}

/** The message of anything thrown, without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Marks a branch the types prove impossible. @throws always, naming the value that got there */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}

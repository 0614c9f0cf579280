/**
 * The one error class that crosses package borders, and its codes.
 *
 * Programs match `code`; people read `message` and follow `hint`. Codes are part of the API: they
 * appear in `--json` output, in problem documents and in docs/reference/errors.md.
 */

/** Everything that can go wrong on purpose, and what it means. Add here, never rename. */
export const ERROR_MEANINGS = {
  CONFIG_INVALID: "The configuration says something that cannot be; every mistake is listed.",
  CONFIG_UNREADABLE: "A file that was named cannot be read or written.",
  UNREACHABLE: "Nobody answers there.",
  TIMED_OUT: "It was asked and did not answer, or did not happen, in time.",
  ABORTED: "It was told to stop.",
  UNAUTHORIZED: "The credentials were missing or wrong.",
  NOT_FOUND: "What was named does not exist.",
  CONFLICT: "The world is not in the state this needs.",
  STALE_GENERATION:
    "It was meant for an older writer epoch, or planned while another site was active; a newer plan owns the application.",
  NOT_LEADER: "This controller follows; only the leader acts.",
  PLAN_REFUSED: "The plan linter found an unsafe plan.",
  GUARD_BLOCKED: "One or more guards block the action; all of them are listed.",
  APPROVAL_REQUIRED: "A person has to confirm or approve first.",
  LEASE_REFUSED: "Another site holds the writer lease, or it is sealed.",
  PROMISE_REFUSED: "A site may not promise to stay closed, for the reason given.",
  FENCE_UNPROVEN: "The old writer could not be shown to be stopped.",
  REPLICATION_PREFLIGHT: "Replication cannot be set up as things are; every reason is listed.",
  REPLICATION_BROKEN: "Replication has stopped and does not recover by itself.",
  PROMOTION_REFUSED: "The standby must not become the primary, for the reason given.",
  TRAFFIC_REFUSED: "The traffic provider refused the change.",
  OBJECT_STORE_UNREACHABLE: "The object store did not answer, or asked for patience.",
  OBJECT_STORE_DENIED: "The object store refused the credentials or the right.",
  OBJECT_GONE: "The object was deleted meanwhile.",
  OBJECT_CHANGED: "The object is not the version that was meant.",
  OBJECT_CORRUPT: "The bytes are not those whose hash is known; nothing was kept.",
  OBJECT_NAME_REFUSED: "The object's name cannot be stored there unchanged.",
  OBJECT_REFUSED: "The store does not take or give this object as it is; the reason is named.",
  LISTING_BROKEN:
    "A listing failed, ended early or was out of order; nothing was concluded from it.",
  DELETES_REFUSED: "More objects would be deleted than the limit allows.",
  CLAIM_LOST: "Another worker has the task by now; what this one did does not count.",
  STATE_UNAVAILABLE: "The state database cannot be used.",
  STATE_VERSION: "The stored state is of another version.",
  PORT_TAKEN: "Another process listens there.",
  DISK_FULL: "There is no space left on the device.",
  ALREADY_RUNNING: "The same thing runs already; who runs it is named.",
  NOT_RUNNING: "What was addressed does not run.",
  UNSUPPORTED_PLATFORM: "This machine lacks something that is needed.",
  BAD_REQUEST: "The request or the command line is not understood.",
  INTERNAL: "A defect of CloudPhoenix.",
} as const;

/** Stable name of something that can go wrong on purpose. */
export type ErrorCode = keyof typeof ERROR_MEANINGS;

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

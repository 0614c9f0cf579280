/** Failures of object stores, by HTTP status first: texts and codes differ from store to store. */
import { StorageError } from "../errors/failures.ts";
import { ERROR_KINDS, type ServiceError } from "../errors/service-error.ts";

/** What a client's error says about the answer of the store. */
export interface StoreAnswer {
  /** Null: there was no answer. */
  readonly status: number | null;
  /** The store's own code, for instance `SlowDown`; null if it gave none. */
  readonly code: string | null;
}

/** The bytes did not arrive as they were sent: sent again, they may. */
const DAMAGED_ON_THE_WAY = new Set(["BadDigest", "Md5Mismatch", "XAmzContentSHA256Mismatch"]);
/** Somebody else is changing the same object. */
const CONFLICTS = new Set([
  "ConditionalRequestConflict",
  "OperationAborted",
  "BlobBeingRehydrated",
]);
/** 4xx that pass by themselves. */
const PASSING = new Set([408, 425, 429]);

/** The failure that `answer` is. The client learns nothing of the inside; `cause` reaches the log. */
export function storageFailure({ status, code }: StoreAnswer, cause: unknown): StorageError {
  const passing =
    status === null ||
    status >= 500 ||
    PASSING.has(status) ||
    (code !== null && (DAMAGED_ON_THE_WAY.has(code) || CONFLICTS.has(code)));
  if (passing) {
    // A put whose answer is missing may have been stored.
    const outcome = "unknown" as const;
    return new StorageError(
      ERROR_KINDS.STORAGE_UNAVAILABLE,
      "The object store does not answer as it should.",
      { cause, outcome },
    );
  }
  return new StorageError(
    ERROR_KINDS.STORAGE_REFUSED,
    "The object store does not let this service in.",
    { cause },
  );
}

/** @param cause - what the store said */
export function objectExists(cause?: unknown): StorageError {
  return new StorageError(
    ERROR_KINDS.OBJECT_EXISTS,
    "Another object is stored under this name.",
    cause === undefined ? {} : { cause },
  );
}

export function objectTooLarge(maxBytes: number): StorageError {
  return new StorageError(
    ERROR_KINDS.OBJECT_TOO_LARGE,
    `An object here has at most ${maxBytes} bytes.`,
  );
}

export function objectDamaged(): StorageError {
  return new StorageError(
    ERROR_KINDS.OBJECT_DAMAGED,
    "The object is not what was stored; it is not handed out.",
  );
}

export function storageTimeout(cause: ServiceError): StorageError {
  return new StorageError(ERROR_KINDS.STORAGE_TIMEOUT, "The object store did not answer in time.", {
    cause,
    outcome: "unknown",
  });
}

/** The circuit is open: nothing was sent. */
export function storageNotAsked(cause: ServiceError): StorageError {
  return new StorageError(
    ERROR_KINDS.STORAGE_UNAVAILABLE,
    "The object store is not asked for a moment: it kept failing.",
    { cause },
  );
}

/** Whether `error` says that something else is stored under the name. */
export function isObjectExists(error: unknown): boolean {
  return error instanceof StorageError && error.code === "OBJECT_EXISTS";
}

/** The failures of the chassis as classes, so that a `catch` can tell them apart by type. */
import { ERROR_KINDS, ServiceError, type ErrorDetails, type ErrorKind } from "./service-error.ts";

/** The caller sent something that is not valid. The message names the field, never its value. */
export class ValidationError extends ServiceError {
  override readonly name: string = "ValidationError";

  constructor(detail: string, details: ErrorDetails = {}) {
    super(ERROR_KINDS.BAD_REQUEST, detail, details);
  }
}

/** What was asked for does not exist. A service passes its own kind to be more exact. */
export class NotFoundError extends ServiceError {
  override readonly name: string = "NotFoundError";

  constructor(detail: string, kind: ErrorKind = ERROR_KINDS.NOT_FOUND) {
    super(kind, detail);
  }
}

/** The database failed: unreachable, too slow, or its connections all taken. */
export class DatabaseError extends ServiceError {
  override readonly name: string = "DatabaseError";
}

/** The object store failed. */
export class StorageError extends ServiceError {
  override readonly name: string = "StorageError";
}

/** Another service, or anything called over the network, is down or its circuit is open. */
export class DependencyError extends ServiceError {
  override readonly name: string = "DependencyError";

  constructor(detail: string, details: ErrorDetails = {}) {
    super(ERROR_KINDS.DEPENDENCY_UNAVAILABLE, detail, details);
  }
}

/** A dependency had time and did not answer in it. What it did is not known. */
export class DependencyTimeoutError extends ServiceError {
  override readonly name: string = "DependencyTimeoutError";

  constructor(detail: string, details: ErrorDetails = {}) {
    super(ERROR_KINDS.DEPENDENCY_TIMEOUT, detail, { outcome: "unknown", ...details });
  }
}

/** The time the caller gave for the request is used up. */
export class DeadlineExceededError extends ServiceError {
  override readonly name: string = "DeadlineExceededError";

  constructor(detail: string, details: ErrorDetails = {}) {
    super(ERROR_KINDS.DEADLINE_EXCEEDED, detail, { outcome: "unknown", ...details });
  }
}

/** Too much is waiting or running already; nothing was begun. */
export class SaturatedError extends ServiceError {
  override readonly name: string = "SaturatedError";

  constructor(detail: string, details: ErrorDetails = {}) {
    super(ERROR_KINDS.SATURATED, detail, details);
  }
}

/** This site does not have the writer epoch; nothing was written. */
export class ReadOnlyError extends ServiceError {
  override readonly name: string = "ReadOnlyError";

  constructor(detail: string, details: ErrorDetails = {}) {
    super(ERROR_KINDS.READ_ONLY, detail, details);
  }
}

/** The write may be stored here but came back too late to promise that it will last. */
export class WriteUncertainError extends ServiceError {
  override readonly name: string = "WriteUncertainError";

  constructor(detail: string, details: ErrorDetails = {}) {
    super(ERROR_KINDS.WRITE_UNCERTAIN, detail, { ...details, outcome: "unknown" });
  }
}

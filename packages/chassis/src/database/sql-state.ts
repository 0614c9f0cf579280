/**
 * What a failed database call means to a client.
 *
 * SQLSTATE is the only thing matched on server errors: messages change with version and language.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
import { DatabaseError as ServerError } from "pg";
import { DatabaseError, ReadOnlyError, SaturatedError } from "../errors/failures.ts";
import { ERROR_KINDS, ServiceError } from "../errors/service-error.ts";

/** SQLSTATEs and classes (their first two characters) that are acted upon. */
const STATE = {
  readOnly: "25006",
  queryCanceled: "57014",
  lockNotAvailable: "55P03",
  uniqueViolation: "23505",
  completionUnknown: "40003",
} as const;

/** Classes after which the server session is gone or going: connection, operator, system error. */
const SESSION_LOST = ["08", "57P", "58", "XX"];

/**
 * Classes that pass without a change here: the above, resources, deadlock, missing schema or right,
 * a prepared statement that could not be prepared (it is prepared again).
 */
const TEMPORARY = [
  ...SESSION_LOST,
  "26",
  "28",
  "3D",
  "3F",
  "40",
  "42501",
  "42P01",
  "42883",
  "53",
  "55",
];

/** Conflicts between transactions: the server undid one of them and wants it run again. */
const CONFLICTS = ["40001", "40P01"];

/** A schema, relation, function, or the right to use it is missing. */
const MISSING = ["42P01", "3F000", "42883", "42501"];

/** Turns whatever the driver threw into a planned failure; a bug stays what it is. */
export function databaseFailure(error: unknown): Error {
  if (error instanceof ServiceError) return error;
  if (error instanceof ServerError) return serverFailure(error);
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) {
    return new Error("unexpected failure in the database driver", { cause: error });
  }
  if (error.message === "Query read timeout") return timedOut(error);
  return unavailable(error, "unknown");
}

/** The same for a connection that could not be had: nothing was sent, so nothing was done. */
export function connectFailure(error: unknown): Error {
  if (error instanceof ServiceError) return error;
  // The driver's own word for "no connection became free in time".
  if (error instanceof Error && error.message === "timeout exceeded when trying to connect") {
    return new SaturatedError("No database connection became free in time.", { cause: error });
  }
  if (error instanceof TypeError || error instanceof RangeError || !(error instanceof Error)) {
    return new Error("unexpected failure in the database driver", { cause: error });
  }
  return unavailable(error, "none");
}

/** Whether the session that raised `error` may serve the next request. */
export function isSessionUsable(error: unknown): boolean {
  if (!(error instanceof ServerError)) return false;
  return !startsWithAny(stateOf(error), SESSION_LOST) && !isStale(error);
}

/** Whether a migration has changed what a prepared statement answers: the session can never run it again. */
function isStale(error: ServerError): boolean {
  return error.routine === "RevalidateCachedQuery";
}

/**
 * Whether a server that used to take writes is a standby now. A trigger that refuses writes raises
 * the same SQLSTATE, but from a procedure; that server is where it should be.
 */
export function isDemotedServer(error: unknown): boolean {
  const cause = causeOf(error);
  return (
    cause instanceof ServerError &&
    stateOf(cause) === STATE.readOnly &&
    cause.routine === "PreventCommandIfReadOnly"
  );
}

/** Whether the server wants other credentials than it was given. */
export function isAuthenticationFailure(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof ServerError && stateOf(cause).startsWith("28");
}

/** Whether something the statement names does not exist or may not be used. */
export function isMissingObject(error: unknown): boolean {
  return hasState(error, MISSING);
}

/** Whether running the whole transaction again may succeed: serialisation failure or deadlock. */
export function isTransactionConflict(error: unknown): boolean {
  return hasState(error, CONFLICTS);
}

/**
 * Whether the same statement may succeed in a moment, if it may be repeated at all. Being asked again
 * too soon is what saturation is made of, so that is left to the caller.
 */
export function passesByItself(error: unknown): boolean {
  return (
    error instanceof ServiceError &&
    (error.code === "DATABASE_UNAVAILABLE" || isTransactionConflict(error))
  );
}

/** Whether a row with the same key exists already. @param constraint - only this one, if given */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  const cause = causeOf(error);
  if (!(cause instanceof ServerError) || stateOf(cause) !== STATE.uniqueViolation) return false;
  return constraint === undefined || cause.constraint === constraint;
}

/** Whether a lock was not had in the time given for it. */
export function isLockTimeout(error: unknown): boolean {
  return hasState(error, [STATE.lockNotAvailable]);
}

function serverFailure(error: ServerError): Error {
  const state = stateOf(error);
  if (state === STATE.readOnly) {
    return new ReadOnlyError("This site does not take writes now.", { cause: error });
  }
  if (state === STATE.queryCanceled) return timedOut(error);
  if (isStale(error)) return unavailable(error, "none");
  if (startsWithAny(state, TEMPORARY)) return unavailable(error, outcomeOf(state));
  return new Error("the database refused a statement", { cause: error });
}

/** A server that answers with an error has undone the statement, unless it was on its way out. */
function outcomeOf(state: string): "none" | "unknown" {
  return startsWithAny(state, SESSION_LOST) || state === STATE.completionUnknown
    ? "unknown"
    : "none";
}

function timedOut(cause: Error): ServiceError {
  return new DatabaseError(
    ERROR_KINDS.DATABASE_TIMEOUT,
    "The outcome is unknown; retry with the same idempotency key.",
    { cause, outcome: "unknown" },
  );
}

function unavailable(cause: Error, outcome: "none" | "unknown"): ServiceError {
  return new DatabaseError(
    ERROR_KINDS.DATABASE_UNAVAILABLE,
    "Nothing was promised; retry with the same idempotency key.",
    { cause, outcome },
  );
}

function hasState(error: unknown, states: readonly string[]): boolean {
  const cause = causeOf(error);
  return cause instanceof ServerError && states.includes(stateOf(cause));
}

/** The driver's error inside a planned failure, or the error itself. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && !(error instanceof ServerError) ? error.cause : error;
}

function stateOf(error: ServerError): string {
  return error.code ?? "XX000";
}

function startsWithAny(state: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => state.startsWith(prefix));
}

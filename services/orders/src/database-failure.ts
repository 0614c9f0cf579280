/**
 * What a failed database call means to a client.
 *
 * SQLSTATE is the only thing matched on server errors: messages change with version and language.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
import { DatabaseError } from "pg";
import { ServiceError } from "./service-error.ts";

const READ_ONLY_TRANSACTION = "25006";
const QUERY_CANCELED = "57014";

/** Classes after which the server session is gone or going: connection, operator, system error. */
const SESSION_LOST = ["08", "57P", "58", "XX"];

/** Classes that pass without a change here: the above, resources, deadlock, missing schema or right. */
const TEMPORARY = [...SESSION_LOST, "28", "3D", "3F", "40", "42501", "42P01", "53", "55", "42883"];

/** Turns whatever the driver threw into a planned failure; a bug stays what it is. */
export function databaseFailure(error: unknown): Error {
  if (error instanceof ServiceError) return error;
  if (error instanceof DatabaseError) return serverFailure(error);
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) {
    return new Error("unexpected failure in the database driver", { cause: error });
  }
  if (error.message === "Query read timeout") return timedOut(error);
  // The driver's own word for "no connection became free in time".
  if (error.message === "timeout exceeded when trying to connect") {
    return new ServiceError("SATURATED", "No database connection became free in time.", {
      cause: error,
    });
  }
  return unavailable(error);
}

/** Whether the session that raised `error` may serve the next request. */
export function isConnectionUsable(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  return !startsWithAny(error.code ?? "XX", SESSION_LOST);
}

/** Whether the failure says that a relation or schema does not exist. */
export function isMissingRelation(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return cause instanceof DatabaseError && (cause.code === "42P01" || cause.code === "3F000");
}

/** Whether the failure says that a function does not exist. */
export function isMissingFunction(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return cause instanceof DatabaseError && cause.code === "42883";
}

function serverFailure(error: DatabaseError): Error {
  const state = error.code ?? "XX000";
  if (state === READ_ONLY_TRANSACTION) {
    return new ServiceError("READ_ONLY", "This site does not take orders now.", { cause: error });
  }
  if (state === QUERY_CANCELED) return timedOut(error);
  if (startsWithAny(state, TEMPORARY)) return unavailable(error);
  return new Error("the database refused a statement", { cause: error });
}

function timedOut(cause: Error): ServiceError {
  return new ServiceError(
    "DATABASE_TIMEOUT",
    "The outcome is unknown; retry with the same idempotency key.",
    { cause },
  );
}

function unavailable(cause: Error): ServiceError {
  return new ServiceError(
    "DATABASE_UNAVAILABLE",
    "Nothing was promised; retry with the same idempotency key.",
    { cause },
  );
}

function startsWithAny(state: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => state.startsWith(prefix));
}

/** What a failure of PostgreSQL or of the way to it means to a caller. */
import { CloudPhoenixError, type ErrorCode, messageOf } from "@cloudphoenix/core";
import { DatabaseError } from "pg";

interface Meaning {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint?: string;
}

const UNREACHABLE: Meaning = {
  code: "UNREACHABLE",
  retryable: true,
  hint: "Check that the server runs and that the network lets this host reach it.",
};
const TIMED_OUT: Meaning = { code: "TIMED_OUT", retryable: true };
/** Out of memory, a disk that fails, a catalogue changed by two at once. */
const UNWELL: Meaning = {
  code: "INTERNAL",
  retryable: true,
  hint: "Look at the log of this server.",
};
const WRONG_LOGIN: Meaning = {
  code: "UNAUTHORIZED",
  retryable: false,
  hint: "Check the user name, the password file and pg_hba.conf of this server.",
};
const RIGHT_MISSING: Meaning = {
  code: "UNAUTHORIZED",
  retryable: false,
  hint: "Prepare the server again with its master user, so that the missing right is granted.",
};

/** By SQLSTATE, or by class (its first two characters). PostgreSQL manual, appendix A. */
const BY_SQLSTATE: Readonly<Record<string, Meaning>> = {
  "08": UNREACHABLE,
  // Of a standby that was the primary, or of a gate: the next session may find another.
  "25006": { code: "CONFLICT", retryable: true },
  "25P03": UNREACHABLE,
  "25P04": UNREACHABLE,
  "28": WRONG_LOGIN,
  "3D000": { code: "NOT_FOUND", retryable: false, hint: "Create the database first." },
  "40001": { code: "CONFLICT", retryable: true },
  "40P01": { code: "CONFLICT", retryable: true },
  "42501": RIGHT_MISSING,
  "53": UNWELL,
  "53100": { code: "DISK_FULL", retryable: true, hint: "Free disk space at the server." },
  "53300": UNREACHABLE,
  "55006": { code: "CONFLICT", retryable: true },
  "55P03": TIMED_OUT,
  "57014": TIMED_OUT,
  "57P01": UNREACHABLE,
  "57P02": UNREACHABLE,
  "57P03": UNREACHABLE,
  "57P05": UNREACHABLE,
  "58": UNWELL,
  XX: UNWELL,
};

/** The driver reports these without any code. */
const DRIVER_TIMEOUT = /query read timeout/i;
const DRIVER_LOST =
  /connection terminated|timeout exceeded when trying to connect|timeout expired|not queryable|connection ended|client was closed|server does not support SSL/i;

const NETWORK_CODES =
  /^(E[A-Z_]+|UND_ERR_.*|CERT_.*|DEPTH_ZERO.*|SELF_SIGNED.*|UNABLE_TO_.*|HOSTNAME_MISMATCH)$/;

/** SQLSTATE of an answer of the server; null if the failure did not come from the server. */
export function sqlStateOf(error: unknown): string | null {
  const origin = error instanceof CloudPhoenixError ? error.cause : error;
  return origin instanceof DatabaseError ? (origin.code ?? null) : null;
}

/** Whether the session is still good: the server refused a statement, did not end it and takes writes. */
export function leavesSessionUsable(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state !== null && !/^(08|57P|25P0[34]|25006)/.test(state);
}

/**
 * Wraps `error` with a code, naming the place. Never holds a password: the driver's and libpq's
 * messages name host, port and user only.
 */
export function databaseError(error: unknown, place: string): CloudPhoenixError {
  if (error instanceof CloudPhoenixError) return error;
  const meaning = meaningOf(error);
  return new CloudPhoenixError(meaning.code, `${place}: ${messageOf(error)}`, {
    retryable: meaning.retryable,
    ...(meaning.hint === undefined ? {} : { hint: meaning.hint }),
    cause: error,
  });
}

function meaningOf(error: unknown): Meaning {
  const state = sqlStateOf(error);
  if (state !== null) {
    const known = BY_SQLSTATE[state] ?? BY_SQLSTATE[state.slice(0, 2)];
    return known ?? { code: "INTERNAL", retryable: false };
  }
  const message = messageOf(error);
  if (DRIVER_TIMEOUT.test(message)) return TIMED_OUT;
  if (DRIVER_LOST.test(message) || hasNetworkCode(error)) return UNREACHABLE;
  return { code: "INTERNAL", retryable: false };
}

function hasNetworkCode(error: unknown): boolean {
  return (
    typeof error === "object" &&
    error !== null &&
    "code" in error &&
    typeof error.code === "string" &&
    NETWORK_CODES.test(error.code)
  );
}

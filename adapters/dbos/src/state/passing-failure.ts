/** What a failed statement says about the state database: whether it passes, and what it costs. */

/**
 * SQLSTATEs, or their classes, of failures that end by themselves or by what a person does to the
 * server, never by another statement. A login or a database is refused while it is being rotated or
 * restored (28, 3D); 25006 comes from a server that only answers reads: the former primary after a
 * failover, or one whose disk is nearly full.
 */
const PASSING = /^(08|28|3D|40|53|55|57|58|XX|25006|25P03|25P04)/u;

/** Of a statement that writes to a server which only answers reads. */
const READ_ONLY = "25006";

/** Whether the same statement may succeed later. Server errors have an SQLSTATE; all others are of the connection. */
export function passes(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === null || PASSING.test(state);
}

/**
 * Whether the session that `error` came from is of no use any more: nobody knows what it is at, or
 * it is with a server that takes no writes, while the address may lead to another by now.
 */
export function spoilsSession(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === null || state === READ_ONLY;
}

/** The SQLSTATE of a server error; null for anything else. */
export function sqlStateOf(error: unknown): string | null {
  if (!(error instanceof Error && "code" in error)) return null;
  const code = String(error.code);
  return /^[\dA-Z]{5}$/u.test(code) && /\d/u.test(code) ? code : null;
}

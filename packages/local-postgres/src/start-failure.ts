/** Turns what PostgreSQL says when it gives up into an error with a next step. */
import { LocalPostgresError } from "./error.ts";

/** Lines of output kept in a message. */
const TAIL_LINES = 5;

/**
 * Texts of a server that is only in the way for a moment: another launcher was first, or the
 * children of a killed server have not noticed yet. Starting again a moment later settles it.
 */
const PASSING = [
  /lock file "[^"]*" already exists/u,
  /lock file "[^"]*" is empty/u,
  /pre-existing shared memory block .* is still in use/u,
];

/** Whether a start that ended with `output` should simply be tried again. */
export function isPassing(output: string): boolean {
  return PASSING.some((text) => text.test(output));
}

/** The error for `program` having ended with `output`. Messages are English: see `serverEnvironment`. */
export function startFailure(program: string, output: string): LocalPostgresError {
  const tail = output.trim().split("\n").slice(-TAIL_LINES).join("\n");
  if (/No space left on device|Disk quota exceeded/u.test(output)) {
    return new LocalPostgresError("DISK_FULL", `the disk is full: ${program} said\n${tail}`, {
      retryable: true,
      hint: "Free some space on the disk that holds the data directory, then start again.",
    });
  }
  if (/Address already in use|could not bind/u.test(output)) {
    return new LocalPostgresError("PORT_TAKEN", `the port is taken: ${program} said\n${tail}`, {
      hint: "Stop the program that listens on this port, or choose another port.",
    });
  }
  if (/database files are incompatible with server/u.test(output)) {
    return new LocalPostgresError("STATE_VERSION", `${program} said\n${tail}`, {
      hint: "Use the PostgreSQL major version that made the data directory.",
    });
  }
  return new LocalPostgresError("STATE_UNAVAILABLE", `${program} failed and said\n${tail}`, {
    hint: "Read the message above and postgres.log beside the data directory.",
  });
}

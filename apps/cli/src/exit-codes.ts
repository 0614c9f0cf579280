/** Exit codes of the command. Part of the contract with scripts; documented in docs/reference. */
import type { ErrorCode } from "@cloudphoenix/core";

export const EXIT_CODES = {
  /** Done; for `demo`: every promise held. */
  done: 0,
  /** It ran and failed; for `demo`: a promise did not hold. */
  failed: 1,
  /** Nothing was changed or the run waits: a person has to decide. */
  needsPerson: 2,
  /** A run was cancelled and everything it did was undone. */
  undone: 3,
  /** The command line was wrong. */
  usage: 64,
  /** The configuration or another input file was wrong. */
  badInput: 65,
  /** No controller or sandbox answered. */
  unavailable: 69,
  /** A defect of CloudPhoenix. */
  internal: 70,
  /** The token was missing or wrong. */
  notAllowed: 77,
  /** Ended by Ctrl-C; everything that was started has been stopped. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** What each exit code means, for the reference. */
export const EXIT_CODE_MEANINGS: Readonly<Record<keyof typeof EXIT_CODES, string>> = {
  done: "Done. For `demo`: every promise held.",
  failed: "It ran and failed. For `demo`: a promise did not hold.",
  needsPerson: "Nothing was changed, or the run waits: a person has to decide.",
  undone: "The run was cancelled and everything it had done was undone.",
  usage: "The command line was wrong.",
  badInput: "The configuration or another input was wrong.",
  unavailable: "No controller or sandbox answered.",
  internal: "A defect of CloudPhoenix.",
  notAllowed: "The token was missing or wrong.",
  interrupted: "Ended by Ctrl-C; everything that was started has been stopped.",
};

/** The exit code that says what an error with this code means to a script. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  switch (code) {
    case "CONFIG_INVALID":
    case "CONFIG_UNREADABLE":
    case "BAD_REQUEST":
    case "PLAN_REFUSED":
    case "NOT_FOUND":
      return EXIT_CODES.badInput;
    case "UNREACHABLE":
    case "NOT_RUNNING":
    case "NOT_LEADER":
    case "STATE_UNAVAILABLE":
      return EXIT_CODES.unavailable;
    case "UNAUTHORIZED":
      return EXIT_CODES.notAllowed;
    case "GUARD_BLOCKED":
    case "APPROVAL_REQUIRED":
    case "FENCE_UNPROVEN":
    case "CONFLICT":
      return EXIT_CODES.needsPerson;
    case "ABORTED":
      return EXIT_CODES.interrupted;
    case "INTERNAL":
      return EXIT_CODES.internal;
    default:
      return EXIT_CODES.failed;
  }
}

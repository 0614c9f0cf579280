/** Exit codes of the command. Part of the contract with scripts; documented in docs/reference. */
import type { ErrorCode } from "@cloudphoenix/core";

export const EXIT_CODES = {
  /** Done; for `demo`: every promise held. */
  done: 0,
  /** It ran and failed; for `demo`: a promise did not hold; for `sync`: some objects are missing or differ. */
  failed: 1,
  /** A person has to decide: nothing was changed, a run waits or is stuck, or only a part was done. */
  needsPerson: 2,
  /** A run was cancelled and everything it did was undone. */
  undone: 3,
  /** The command line was wrong. */
  usage: 64,
  /** The configuration or another input file was wrong. */
  badInput: 65,
  /** No controller, sandbox or object store answered. */
  unavailable: 69,
  /** A defect of CloudPhoenix. */
  internal: 70,
  /** The token or the credentials were missing or wrong. */
  notAllowed: 77,
  /** Ended by Ctrl-C; what runs in a controller goes on, everything else that was started has been stopped. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** What each exit code means, for the reference. */
export const EXIT_CODE_MEANINGS: Readonly<Record<keyof typeof EXIT_CODES, string>> = {
  done: "Done. For `demo`: every promise held.",
  failed:
    "It ran and failed. For `demo`: a promise did not hold. For `sync`: some objects could not be copied, or differ.",
  needsPerson:
    "A person has to decide: nothing was changed, a run waits or is stuck, or only a part was done. The output says which.",
  undone: "The run was cancelled and everything it had done was undone.",
  usage: "The command line was wrong.",
  badInput: "The configuration or another input was wrong.",
  unavailable: "No controller, sandbox or object store answered.",
  internal: "A defect of CloudPhoenix.",
  notAllowed: "The token or the credentials were missing or wrong.",
  interrupted:
    "Ended by Ctrl-C. A run or a set-up in the controller goes on; everything else that was started has been stopped.",
};

const BY_ERROR: Readonly<Partial<Record<ErrorCode, ExitCode>>> = {
  CONFIG_INVALID: EXIT_CODES.badInput,
  CONFIG_UNREADABLE: EXIT_CODES.badInput,
  BAD_REQUEST: EXIT_CODES.badInput,
  PLAN_REFUSED: EXIT_CODES.badInput,
  NOT_FOUND: EXIT_CODES.badInput,
  UNREACHABLE: EXIT_CODES.unavailable,
  NOT_RUNNING: EXIT_CODES.unavailable,
  NOT_LEADER: EXIT_CODES.unavailable,
  STATE_UNAVAILABLE: EXIT_CODES.unavailable,
  UNAUTHORIZED: EXIT_CODES.notAllowed,
  OBJECT_STORE_UNREACHABLE: EXIT_CODES.unavailable,
  OBJECT_STORE_DENIED: EXIT_CODES.notAllowed,
  DELETES_REFUSED: EXIT_CODES.needsPerson,
  REPLICATION_PREFLIGHT: EXIT_CODES.needsPerson,
  GUARD_BLOCKED: EXIT_CODES.needsPerson,
  APPROVAL_REQUIRED: EXIT_CODES.needsPerson,
  FENCE_UNPROVEN: EXIT_CODES.needsPerson,
  CONFLICT: EXIT_CODES.needsPerson,
  ABORTED: EXIT_CODES.interrupted,
  INTERNAL: EXIT_CODES.internal,
};

/** The exit code that says what an error with this code means to a script. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  return BY_ERROR[code] ?? EXIT_CODES.failed;
}

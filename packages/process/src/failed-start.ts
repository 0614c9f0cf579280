/** How a process that cannot start says so. */
import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";

/** After sysexits.h, so that supervisors can tell "start me again" from "somebody must look". */
export const EXIT = { failed: 1, usage: 64, leadershipLost: 75, configuration: 78 } as const;

/** Goes to standard error in words, whatever the log level is. */
export function explain(error: unknown): void {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  if (error instanceof CloudPhoenixError && error.hint !== undefined) {
    process.stderr.write(`${error.hint}\n`);
  }
}

/** The exit code of a process that ends by `error`. */
export function exitCodeFor(error: unknown): number {
  if (hasCode(error, "BAD_REQUEST")) return EXIT.usage;
  if (hasCode(error, "CONFIG_INVALID") || hasCode(error, "CONFIG_UNREADABLE")) {
    return EXIT.configuration;
  }
  return EXIT.failed;
}

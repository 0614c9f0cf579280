/** Reading the command line of a process: whatever is wrong with it is told together with the usage. */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";

/**
 * The values of the options that are given, by name, as `parseArgs` reads them.
 * @throws {CloudPhoenixError} `BAD_REQUEST` with the usage as hint
 */
export function readOptions<Config extends ParseArgsConfig>(
  config: Config,
  usage: string,
): ReturnType<typeof parseArgs<Config>>["values"] {
  try {
    return parseArgs(config).values;
  } catch (error) {
    throw wrongCommandLine(messageOf(error), usage);
  }
}

/** What is thrown for a command line that cannot be meant; the process ends with `EXIT.usage`. */
export function wrongCommandLine(message: string, usage: string): CloudPhoenixError {
  return new CloudPhoenixError("BAD_REQUEST", message, { retryable: false, hint: usage });
}

/** The command line of the controller. */

import { type HostPort, parseHostPort } from "@cloudphoenix/config";
import type { CloudPhoenixError } from "@cloudphoenix/core";
import { LOG_LEVELS, type LogLevel, readOptions, wrongCommandLine } from "@cloudphoenix/process";

export const USAGE: string = `usage: node apps/controller/src/main.ts --config <file> [options]

  --config <file>         the YAML file of the application
  --listen <host:port>    where the API listens (default: api.listen; port 0 takes a free one)
  --log-level <level>     ${LOG_LEVELS.join(", ")} (default: info)
  --log-file <file>       append the log to a file instead of standard output
  --stop-state-database   also stop the embedded PostgreSQL at the end
  --help                  print this

exit codes: 0 stopped as asked, 1 failed, 64 wrong command line, 75 leadership lost (start again),
78 wrong configuration`;

export interface ControllerArguments {
  readonly help: boolean;
  readonly config: string;
  readonly listen: HostPort | null;
  readonly logLevel: LogLevel;
  readonly logFile: string | null;
  readonly stopStateDatabase: boolean;
}

// Left without a type on purpose: `readOptions` computes the result from it.
const OPTIONS = {
  config: { type: "string" },
  listen: { type: "string" },
  "log-level": { type: "string", default: "info" },
  "log-file": { type: "string" },
  "stop-state-database": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** @throws {CloudPhoenixError} `BAD_REQUEST` with the usage as hint */
export function readArguments(args: readonly string[]): ControllerArguments {
  const values = readOptions({ args: [...args], options: OPTIONS }, USAGE);
  const { config, listen, help } = values;
  if (!help && (config === undefined || config === "")) throw wrong("--config is missing");
  const logLevel = LOG_LEVELS.find((level) => level === values["log-level"]);
  if (logLevel === undefined) throw wrong(`--log-level ${values["log-level"]} is not a level`);
  return {
    help,
    config: config ?? "",
    listen: listen === undefined ? null : readListen(listen),
    logLevel,
    logFile: values["log-file"] ?? null,
    stopStateDatabase: values["stop-state-database"],
  };
}

function readListen(text: string): HostPort {
  const listen = parseHostPort(text);
  if (listen === null) throw wrong(`--listen ${text} is not host:port`);
  return listen;
}

function wrong(message: string): CloudPhoenixError {
  return wrongCommandLine(message, USAGE);
}

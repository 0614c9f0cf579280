/** The command line of the agent. */
import type { HostPort } from "@cloudphoenix/config";
import type { CloudPhoenixError } from "@cloudphoenix/core";
import { LOG_LEVELS, type LogLevel, readOptions, wrongCommandLine } from "@cloudphoenix/process";

export const USAGE =
  "usage: node apps/agent/src/main.ts --config <file> --vantage <id> --listen <host:port> --token-file <file> [--log-level <level>] [--log-file <file>]";

export interface AgentArguments {
  readonly config: string;
  readonly vantage: string;
  readonly listen: HostPort;
  readonly tokenFile: string;
  readonly logLevel: LogLevel;
  readonly logFile: string | null;
}

/** @throws {CloudPhoenixError} `BAD_REQUEST` naming everything that is missing or wrong */
export function readArguments(args: readonly string[]): AgentArguments {
  const values = readOptions({ args: [...args], options: OPTIONS }, USAGE);
  const { config, vantage, listen, "token-file": tokenFile, "log-level": level } = values;
  const given = { "--config": config, "--vantage": vantage, "--listen": listen };
  const missing = Object.entries({ ...given, "--token-file": tokenFile })
    .filter(([, value]) => value === undefined || value === "")
    .map(([name]) => name);
  if (missing.length > 0) throw wrong(`missing ${missing.join(", ")}`);
  const logLevel = LOG_LEVELS.find((known) => known === level);
  if (logLevel === undefined) throw wrong(`--log-level is one of ${LOG_LEVELS.join(", ")}`);
  return {
    config: config ?? "",
    vantage: vantage ?? "",
    listen: readHostPort(listen ?? ""),
    tokenFile: tokenFile ?? "",
    logLevel,
    logFile: values["log-file"] ?? null,
  };
}

// Left without a return type on purpose: `readOptions` computes it from the options.
const OPTIONS = {
  config: { type: "string" },
  vantage: { type: "string" },
  listen: { type: "string" },
  "token-file": { type: "string" },
  "log-level": { type: "string", default: "info" },
  "log-file": { type: "string" },
} as const;

function readHostPort(text: string): HostPort {
  const [, host, port] = /^(?<host>.+):(?<port>\d{1,5})$/u.exec(text) ?? [];
  if (host === undefined || port === undefined || Number(port) > 65_535) {
    throw wrong(`--listen is host:port, for instance 127.0.0.1:8081, not ${text}`);
  }
  return { host, port: Number(port) };
}

function wrong(message: string): CloudPhoenixError {
  return wrongCommandLine(message, USAGE);
}

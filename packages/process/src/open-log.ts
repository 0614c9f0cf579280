/** JSON logs: one line per event, to standard output or a file, never with a secret in it. */
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import { destination, type Logger, pino, stdTimeFunctions } from "pino";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  readonly level: LogLevel;
  /** Appended to; `fd` if null. */
  readonly file: string | null;
  /** Default: 1, standard output. */
  readonly fd?: number;
  /** Stands on every line: which `service` speaks, and what else tells its processes apart. */
  readonly base: { readonly service: string } & Readonly<Record<string, string>>;
}

/** Keys whose values never reach a log, wherever they stand. */
const REDACTED = ["authorization", "password", "token", "secret", "key", "url"].flatMap((key) => [
  key,
  `*.${key}`,
]);

/**
 * Writes synchronously: the last line before the end of a process is the one that matters.
 * @throws {CloudPhoenixError} `BAD_REQUEST` if the file cannot be written
 */
export function openLog({ level, file, fd = 1, base }: LogOptions): Logger {
  const settings = {
    level,
    base,
    timestamp: stdTimeFunctions.isoTime,
    redact: { paths: REDACTED, censor: "(secret)" },
    serializers: { err: errorLine },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const sink = file === null ? destination({ fd, sync: true }) : logFile(file);
  return pino(settings, sink);
}

function logFile(file: string): ReturnType<typeof destination> {
  try {
    return destination({ dest: file, mkdir: true, append: true, mode: 0o640, sync: true });
  } catch (cause) {
    throw new CloudPhoenixError(
      "BAD_REQUEST",
      `cannot write log file ${file}: ${messageOf(cause)}`,
      {
        retryable: false,
        hint: "Name a file in a folder that can be written to.",
        cause,
      },
    );
  }
}

function errorLine(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  const code = "code" in error ? error.code : undefined;
  return {
    name,
    code,
    message,
    stack,
    ...(cause === undefined ? {} : { cause: messageOf(cause) }),
  };
}

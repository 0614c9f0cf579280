/** JSON logs: one line per event, never with a secret in it. */
import { messageOf } from "@cloudphoenix/core";
import { destination, type Logger, pino, stdTimeFunctions } from "pino";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Keys whose values never reach a log, wherever they stand. */
const REDACTED = ["authorization", "password", "token", "secret", "key", "url"].flatMap((key) => [
  key,
  `*.${key}`,
]);

export interface LogOptions {
  readonly level: LogLevel;
  /** Appended to; `fd` if null. */
  readonly file: string | null;
  /** Default: 1, standard output. */
  readonly fd?: number;
}

/** Writes synchronously: the last line before the end of a process is the one that matters. */
export function openLog({ level, file, fd = 1 }: LogOptions): Logger {
  const sink =
    file === null
      ? destination({ fd, sync: true })
      : destination({ dest: file, mkdir: true, append: true, mode: 0o640, sync: true });
  return pino(
    {
      level,
      base: { service: "worker" },
      timestamp: stdTimeFunctions.isoTime,
      redact: { paths: REDACTED, censor: "(secret)" },
      serializers: { err: errorLine },
      formatters: { level: (label: string) => ({ level: label }) },
    },
    sink,
  );
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

/**
 * Where the command speaks. Results go to standard output (text, or one JSON value with
 * `--json`); progress and errors go to standard error; everything also goes to `--log-file`.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { CloudPhoenixError } from "@cloudphoenix/core";
import pc from "picocolors";
import { EXIT_CODES, type ExitCode, exitCodeOf } from "./exit-codes.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface TerminalOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly colour: boolean;
  readonly logLevel: LogLevel;
  readonly logFile: string | undefined;
}

type Colours = ReturnType<typeof pc.createColors>;

/** Speaks to one person or one script for the life of one command. */
export class Terminal {
  readonly json: boolean;
  /** Colour functions; they change nothing when colour is off. */
  readonly paint: Colours;
  readonly #options: TerminalOptions;
  readonly #log: number | undefined;

  /** @throws {CloudPhoenixError} `CONFIG_UNREADABLE` if the log file cannot be opened */
  constructor(options: TerminalOptions) {
    this.#options = options;
    this.json = options.json;
    this.paint = pc.createColors(options.colour);
    this.#log = options.logFile === undefined ? undefined : openLog(options.logFile);
  }

  /** The answer of the command: `value` as JSON, or `text` for people. */
  result(value: unknown, text: string): void {
    this.#record("info", text);
    process.stdout.write(this.json ? `${JSON.stringify(value, jsonable, 2)}\n` : `${text}\n`);
  }

  /** One line of progress; silent with `--quiet` and `--json`. */
  progress(line: string): void {
    this.log("info", line);
  }

  log(level: LogLevel, line: string): void {
    this.#record(level, line);
    const wanted = LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(this.#options.logLevel);
    if (!wanted || this.#options.quiet || this.json) return;
    process.stderr.write(`${line}\n`);
  }

  /** Redraws the whole screen with `text`; on a pipe it prints it once more instead. */
  redraw(text: string): void {
    process.stdout.write(process.stdout.isTTY ? `\u001b[H\u001b[2J${text}\n` : `${text}\n\n`);
  }

  /** Says what failed and what to do, and answers with the exit code for it. */
  fail(error: unknown): ExitCode {
    if (error instanceof CloudPhoenixError) {
      this.#showError(error.code, error.message, error.hint);
      return exitCodeOf(error.code);
    }
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#showError("INTERNAL", message, "Report this with the output above.");
    return EXIT_CODES.internal;
  }

  close(): void {
    if (this.#log !== undefined) closeSync(this.#log);
  }

  #showError(code: string, message: string, hint: string | undefined): void {
    this.#record("error", `${code}: ${message}${hint === undefined ? "" : ` (${hint})`}`);
    if (this.json) {
      process.stdout.write(`${JSON.stringify({ error: { code, message, hint } }, null, 2)}\n`);
      return;
    }
    const next = hint === undefined ? "" : `\n${this.paint.dim("→")} ${hint}`;
    process.stderr.write(`${this.paint.red("error")} ${message}${next}\n`);
  }

  #record(level: LogLevel, line: string): void {
    if (this.#log === undefined) return;
    const at = new Date().toISOString();
    writeSync(this.#log, `${JSON.stringify({ at, level, message: plain(line) })}\n`);
  }
}

function openLog(path: string): number {
  try {
    return openSync(path, "a", 0o600);
  } catch (cause) {
    throw new CloudPhoenixError("CONFIG_UNREADABLE", `the log file ${path} cannot be opened`, {
      retryable: false,
      hint: "Name a file in a folder that exists and that you may write to.",
      cause,
    });
  }
}

/** BigInt has no JSON form; positions and byte counts travel as decimal text. */
function jsonable(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

function plain(line: string): string {
  // oxlint-disable-next-line no-control-regex -- removes exactly the colour sequences we add
  return line.replaceAll(/\u001b\[[0-9;]*m/g, "");
}

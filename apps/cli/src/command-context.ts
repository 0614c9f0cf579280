/** What every command gets: a terminal made from the global options, and one way to end. */
import type { Command } from "commander";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { EXIT_CODES, type ExitCode } from "./exit-codes.ts";
import { LOG_LEVELS, type LogLevel, Terminal } from "./terminal.ts";

/** Options that every command accepts. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
  readonly logFile?: string;
  readonly logLevel: string;
  readonly config?: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly name: string;
  readonly dir?: string;
}

/** What a command's work receives. */
export interface Invocation {
  readonly terminal: Terminal;
  readonly options: GlobalOptions;
  /** Aborts on the first Ctrl-C, SIGTERM or SIGHUP; a later one ends the process at once. */
  readonly signal: AbortSignal;
}

/** Carries out a command's work and keeps its exit code. */
export interface CommandContext {
  invoke(command: Command, work: (invocation: Invocation) => Promise<ExitCode>): Promise<void>;
}

/** A context that stores the exit code in `process.exitCode`. */
export function processContext(environment: NodeJS.ProcessEnv): CommandContext {
  return {
    async invoke(command, work) {
      const options = command.optsWithGlobals<GlobalOptions>();
      const interruption = interruptible();
      let terminal: Terminal | undefined;
      try {
        terminal = openTerminal(options, environment);
        process.exitCode = await work({ terminal, options, signal: interruption.signal });
      } catch (error) {
        const speaker = terminal ?? openTerminal({ ...options, logFile: "" }, environment);
        process.exitCode = interruption.signal.aborted
          ? EXIT_CODES.interrupted
          : speaker.fail(error);
      } finally {
        terminal?.close();
        interruption.dispose();
      }
    },
  };
}

function openTerminal(options: GlobalOptions, environment: NodeJS.ProcessEnv): Terminal {
  return new Terminal({
    json: options.json ?? false,
    quiet: options.quiet ?? false,
    colour: (options.color ?? true) && useColour(environment),
    logLevel: logLevelOf(options.logLevel),
    logFile: options.logFile === "" ? undefined : options.logFile,
  });
}

/** Colour only for a person at a terminal who has not said no (https://no-color.org). */
function useColour(environment: NodeJS.ProcessEnv): boolean {
  if ((environment["NO_COLOR"] ?? "") !== "") return false;
  return process.stdout.isTTY && environment["TERM"] !== "dumb";
}

function logLevelOf(text: string): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === text);
  if (level !== undefined) return level;
  throw new CloudPhoenixError("BAD_REQUEST", `--log-level ${text} is not a level`, {
    retryable: false,
    hint: `Use one of: ${LOG_LEVELS.join(", ")}.`,
  });
}

/** The last: the terminal was closed. */
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Whoever signals a whole process group reaches us more than once: from it and through our parent. */
const SAME_SIGNAL_MS = 300;

function interruptible(): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  let firstAtMs = 0;
  const stop = (): void => {
    if (controller.signal.aborted) {
      if (performance.now() - firstAtMs < SAME_SIGNAL_MS) return;
      process.exit(EXIT_CODES.interrupted);
    }
    firstAtMs = performance.now();
    controller.abort(
      new CloudPhoenixError("ABORTED", "interrupted", {
        retryable: true,
      }),
    );
  };
  for (const name of STOP_SIGNALS) process.on(name, stop);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of STOP_SIGNALS) process.off(name, stop);
    },
  };
}

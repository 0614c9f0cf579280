/** Runs one program to its end, as another user if need be. */
import { spawn } from "node:child_process";
import type { ProcessOwner } from "./owner.ts";

/** How a program is to be run. */
export interface ProgramOptions {
  readonly owner: ProcessOwner | null;
  /** Directories of libraries to find first, as the loader wants them; null for none. */
  readonly libraryPath: string | null;
  readonly cwd: string;
  readonly timeoutMs: number;
}

export interface ProgramResult {
  /** Null if it was killed or never started. */
  readonly exitCode: number | null;
  /** Both outputs as they came, or why it did not start. */
  readonly output: string;
}

/** Runs `program` and collects what it says. Never throws for a failing program. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  return new Promise((settle) => {
    const child = spawn(program, args, {
      ...options.owner,
      cwd: options.cwd,
      env: serverEnvironment(options.libraryPath),
      timeout: options.timeoutMs,
      killSignal: "SIGKILL",
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.on("error", (error) => settle({ exitCode: null, output: error.message }));
    child.on("close", (exitCode) => settle({ exitCode, output }));
  });
}

/**
 * The environment of every PostgreSQL process: nothing of ours, so that neither secrets nor a stray
 * PGDATA get in, and messages in English because failures are recognised by their text.
 */
export function serverEnvironment(libraryPath: string | null): NodeJS.ProcessEnv {
  const library = process.platform === "darwin" ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH";
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    LC_ALL: "C",
    ...(libraryPath === null ? {} : { [library]: libraryPath }),
  };
}

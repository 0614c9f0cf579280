/** Starts the processes a sandbox consists of, recorded and with a log file each. */
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { type ProcessRegistry, signalProcess } from "./registry.ts";

/** A program to run. */
export interface ProgramSpec {
  /** File of the program, run with the Node that runs us. */
  readonly program: string;
  readonly args: readonly string[];
  /** Added to our own environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ChildOptions extends ProgramSpec {
  readonly name: string;
  /** Receives standard output and standard error. */
  readonly logFile: string;
  readonly registry: ProcessRegistry;
  /**
   * How it talks to us: over an IPC channel, or in lines on standard input and output (then only
   * standard error goes to the log). Default: not at all.
   */
  readonly talks?: "ipc" | "lines";
}

function stdioOf(talks: ChildOptions["talks"], log: number): StdioOptions {
  if (talks === "lines") return ["pipe", "pipe", log];
  return talks === "ipc" ? ["ignore", log, log, "ipc"] : ["ignore", log, log];
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running child process. */
export class Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves when the process is gone; never rejects. */
  readonly exited: Promise<Exit>;
  readonly process: ChildProcess;
  #alive = true;

  private constructor(options: ChildOptions, child: ChildProcess, pid: number) {
    this.name = options.name;
    this.pid = pid;
    this.process = child;
    options.registry.add(pid, options.name);
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#alive = false;
        options.registry.remove(pid);
        resolve({ code, signal });
      });
    });
  }

  /** @throws {CloudPhoenixError} `INTERNAL` if the operating system refuses to start it */
  static start(options: ChildOptions): Child {
    const log = openSync(options.logFile, "a", 0o600);
    try {
      // A process group of its own: Ctrl-C in the terminal reaches only the process the user
      // started, and that one ends the others in order.
      const child = spawn(process.execPath, [options.program, ...options.args], {
        detached: true,
        env: { ...process.env, ...options.env },
        stdio: stdioOf(options.talks, log),
      });
      child.on("error", () => {});
      if (child.pid === undefined) {
        throw new CloudPhoenixError("INTERNAL", `cannot start ${options.name}`, {
          retryable: true,
          hint: `Look into ${options.logFile}.`,
        });
      }
      return new Child(options, child, child.pid);
    } finally {
      closeSync(log);
    }
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Ends it at once. */
  kill(): void {
    if (this.#alive) signalProcess(this.pid, "SIGKILL");
  }

  /** Asks it to end, and ends it if it has not after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#alive) return;
    signalProcess(this.pid, "SIGTERM");
    const killing = setTimeout(() => this.kill(), graceMs);
    await this.exited;
    clearTimeout(killing);
  }
}

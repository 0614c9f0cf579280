/**
 * A server in a process of its own: told what to do in one line on standard input, which never
 * shows in a process list; ready when it says so in one line on standard output; gone when its
 * standard input closes, which also happens when we die, however we die.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { LocalObjectsError } from "../error.ts";

export interface ChildServerOptions {
  /** For messages. */
  readonly name: string;
  /** The TypeScript file that runs, with the Node that runs us. */
  readonly program: string;
  /** The child's working directory. */
  readonly cwd: string;
  /** Becomes JSON on standard input. May hold secrets. */
  readonly spec: object;
  readonly readyLimitMs: number;
  readonly stopGraceMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** The process and what it said when it was ready. */
export interface ChildServer {
  readonly pid: number;
  /** The JSON of its ready line, to be parsed. */
  readonly ready: unknown;
  /** Resolves when it has ended, whoever ended it. */
  readonly exited: Promise<void>;
  /** Asks it to end, and ends it if it does not. Idempotent. */
  stop(): Promise<void>;
  /** Ends it the way a crash would. */
  kill(): Promise<void>;
}

const REMEMBERED_LINES = 20;

/** @throws {LocalObjectsError} `PORT_TAKEN`, `STATE_UNAVAILABLE`, `TIMED_OUT`, `ABORTED` */
export async function startChildServer(options: ChildServerOptions): Promise<ChildServer> {
  const child = spawn(process.execPath, [options.program], {
    cwd: options.cwd,
    // A group of its own: Ctrl-C in the terminal reaches only the process the user started.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.stdin.on("error", () => undefined);
  child.stdin.write(`${JSON.stringify(options.spec)}\n`);
  try {
    const ready = await awaitReady(child, options);
    return serverOf(child, { ready, exited, stopGraceMs: options.stopGraceMs });
  } catch (error) {
    child.kill("SIGKILL");
    await exited;
    throw error;
  }
}

function serverOf(
  child: ChildProcess,
  facts: {
    readonly ready: unknown;
    readonly exited: Promise<void>;
    readonly stopGraceMs: number;
  },
): ChildServer {
  const { ready, exited, stopGraceMs } = facts;
  return {
    pid: child.pid ?? 0,
    ready,
    exited,
    stop: async () => {
      child.stdin?.end();
      const killing = setTimeout(() => child.kill("SIGKILL"), stopGraceMs);
      await exited;
      clearTimeout(killing);
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function awaitReady(child: ChildProcess, options: ChildServerOptions): Promise<unknown> {
  const said: string[] = [];
  const limit = AbortSignal.timeout(options.readyLimitMs);
  const signals = options.signal === undefined ? [limit] : [limit, options.signal];
  const either = AbortSignal.any(signals);
  return new Promise<unknown>((resolve, reject) => {
    const onAbort = (): void => reject(givenUp(options, limit.aborted));
    if (either.aborted) onAbort();
    either.addEventListener("abort", onAbort, { once: true });
    child.once("error", (cause) => reject(notStarted(options.name, [String(cause)], cause)));
    child.once("close", () => reject(notStarted(options.name, said)));
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        const ready = stream === child.stdout ? readyOf(line) : undefined;
        if (ready !== undefined) {
          either.removeEventListener("abort", onAbort);
          resolve(ready);
        } else {
          said.push(line);
          if (said.length > REMEMBERED_LINES) said.shift();
        }
      });
    }
  });
}

/** What stands behind `ready`; undefined for any other line. */
function readyOf(line: string): unknown {
  return line.startsWith("ready ") ? JSON.parse(line.slice("ready ".length)) : undefined;
}

/** The line that a child server says when it serves. */
export function readyLine(facts: object): string {
  return `ready ${JSON.stringify(facts)}\n`;
}

function givenUp({ name, readyLimitMs }: ChildServerOptions, timedOut: boolean): LocalObjectsError {
  if (!timedOut) {
    return new LocalObjectsError("ABORTED", `the start of ${name} was aborted`, {
      hint: "Start it again.",
      retryable: true,
    });
  }
  return new LocalObjectsError("TIMED_OUT", `${name} was not ready within ${readyLimitMs} ms`, {
    hint: "Try again when the machine is less busy.",
    retryable: true,
  });
}

function notStarted(name: string, said: readonly string[], cause?: unknown): LocalObjectsError {
  const text = said.join("\n");
  const isPortTaken = /EADDRINUSE|PORT_TAKEN/u.test(text);
  return new LocalObjectsError(
    isPortTaken ? "PORT_TAKEN" : "STATE_UNAVAILABLE",
    `${name} did not start: ${text === "" ? "it said nothing" : text}`,
    { hint: isPortTaken ? "Choose another port." : "Remove what it complains about.", cause },
  );
}

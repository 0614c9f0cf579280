/**
 * Starts, adopts, stops and kills one PostgreSQL server.
 *
 * 1. A server runs if it answers a connection and names our data directory. Nothing else counts:
 *    pid files outlive their servers and pids are given to others.
 * 2. A server outlives the process that started it; the next start adopts it.
 * 3. Nothing is ever signalled but the processes of this one server.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { PostgresBinaries } from "./binaries.ts";
import type { LauncherClock } from "./clock.ts";
import type { ServerAuth } from "./data-directory.ts";
import { type Endpoint, askServer, socketLockOf, urlOf } from "./endpoint.ts";
import { LocalPostgresError } from "./error.ts";
import type { ProcessOwner } from "./owner.ts";
import {
  type Postmaster,
  killServer,
  livingPostmaster,
  removeStaleLocks,
  sendSignal,
} from "./postmaster.ts";
import { serverEnvironment } from "./run-program.ts";
import { isPassing, startFailure } from "./start-failure.ts";

/** `smart` waits for clients to leave, `fast` ends their sessions, `immediate` skips the checkpoint. */
export type StopMode = "smart" | "fast" | "immediate";

/** Everything a server needs to know of itself; made by `openServer`. */
export interface ServerSpec {
  readonly directory: string;
  readonly dataDirectory: string;
  readonly binaries: PostgresBinaries;
  readonly owner: ProcessOwner | null;
  readonly auth: ServerAuth;
  readonly endpoint: Endpoint;
  readonly settings: Readonly<Record<string, string>>;
  readonly clock: LauncherClock;
  readonly limitMs: number;
  /** Everything `remove` deletes. */
  readonly ownDirectories: readonly string[];
}

const STOP_SIGNALS = { smart: "SIGTERM", fast: "SIGINT", immediate: "SIGQUIT" } as const;
/** Beginnings of SQLSTATEs. */
const STARTING_OR_STOPPING = "57P0";
const NOT_AUTHORIZED = "28";
const LOOK_AGAIN_MS = 50;
/** A log larger than this is put aside at the next start; one earlier log is kept. */
const LOG_MAX_BYTES = 16 * 1024 * 1024;

/** A try to start the server, and what it wrote if it ended by itself. */
interface Attempt {
  readonly outputOnceEnded: () => string | null;
}

/** One server on this machine. Every method may be called again without harm. */
export class LocalServer {
  /** Where everything of this server lives; differs from the one asked for if that was unreachable. */
  readonly directory: string;
  readonly dataDirectory: string;
  readonly #spec: ServerSpec;

  constructor(spec: ServerSpec) {
    this.#spec = spec;
    this.directory = spec.directory;
    this.dataDirectory = spec.dataDirectory;
  }

  /** Address of `database` as the superuser. Holds no password. */
  url(database: string): string {
    return urlOf(this.#spec.endpoint, database);
  }

  /** Pid of the main process; null if the server is not running. */
  pid(): number | null {
    return livingPostmaster(this.dataDirectory)?.pid ?? null;
  }

  /** Whether the main process exists. It may still be starting, or frozen. */
  isAlive(): boolean {
    return this.pid() !== null;
  }

  /**
   * Resolves once the server answers; starts it if it does not run.
   * @throws {LocalPostgresError} `PORT_TAKEN`, `DISK_FULL`, `UNAUTHORIZED`, `STATE_UNAVAILABLE`,
   *   `TIMED_OUT` (retryable) or `ABORTED`
   */
  async start(signal?: AbortSignal): Promise<void> {
    const { clock, limitMs } = this.#spec;
    const deadlineMs = clock.now() + limitMs;
    let attempt: Attempt | null = null;
    while (!(await this.#answers())) {
      attempt = await this.#startUnlessStarting(attempt);
      if (clock.now() > deadlineMs) throw this.#tooSlow("start");
      await this.#pause(signal);
    }
  }

  /**
   * Stops the server and waits until it is gone. Stopping a stopped server is success.
   * @throws {LocalPostgresError} `TIMED_OUT` (retryable) if it does not end
   */
  async stop(mode: StopMode = "fast"): Promise<void> {
    const postmaster = livingPostmaster(this.dataDirectory);
    if (postmaster === null) return;
    sendSignal(postmaster.pid, STOP_SIGNALS[mode]);
    await this.#untilGone(postmaster);
  }

  /** Kills every process of the server at once, as a power cut would. */
  async killHard(): Promise<void> {
    const postmaster = livingPostmaster(this.dataDirectory);
    if (postmaster === null) return;
    killServer(postmaster.pid);
    await this.#untilGone(postmaster);
  }

  /** Stops the server if it runs and starts it again. */
  async restart(signal?: AbortSignal): Promise<void> {
    await this.stop("fast");
    await this.start(signal);
  }

  /** Kills the server and deletes everything it has: data, log, sockets, cached programs. */
  async remove(): Promise<void> {
    await this.killHard();
    for (const path of this.#spec.ownDirectories) await rm(path, { recursive: true, force: true });
  }

  /** Whether our server answers. Throws if another one does, or ours does not let us in. */
  async #answers(): Promise<boolean> {
    const { endpoint, auth } = this.#spec;
    const answer = await askServer(endpoint, auth);
    if (answer.kind === "silent") return false;
    if (answer.kind === "serves") {
      if (answer.dataDirectory === this.dataDirectory) return true;
      throw this.#portTaken(`the PostgreSQL of ${answer.dataDirectory}`);
    }
    if (answer.sqlState.startsWith(STARTING_OR_STOPPING)) return false;
    if (!this.#isHere(livingPostmaster(this.dataDirectory))) throw this.#portTaken("a PostgreSQL");
    // For instance full: it serves, only not us and not now.
    if (!answer.sqlState.startsWith(NOT_AUTHORIZED)) return true;
    throw new LocalPostgresError("UNAUTHORIZED", "the server does not accept our password", {
      hint: "Restore the password file that the server was made with.",
    });
  }

  async #startUnlessStarting(attempt: Attempt | null): Promise<Attempt | null> {
    const output = attempt?.outputOnceEnded() ?? null;
    if (output !== null && !isPassing(output)) throw startFailure("postgres", output);
    if (attempt !== null && output === null) return attempt;

    const living = livingPostmaster(this.dataDirectory);
    if (living === null) return this.#launch();
    // It runs, but where an earlier configuration put it.
    if (living.settled && !this.#isHere(living)) await this.stop("fast");
    return null;
  }

  #launch(): Attempt {
    const { binaries, owner, directory, endpoint } = this.#spec;
    removeStaleLocks(this.dataDirectory, socketLockOf(endpoint));
    const log = join(directory, "postgres.log");
    const offset = rotateLog(log);
    const output = openSync(log, "a", 0o600);
    // Detached: a signal to our terminal is not meant for the database.
    const child = spawn(binaries.postgres, this.#arguments(), {
      ...owner,
      cwd: directory,
      env: serverEnvironment(binaries.libraryPath),
      detached: true,
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    let ended: (() => string) | null = null;
    child.on("error", (error) => (ended = () => error.message));
    child.on("exit", () => (ended ??= () => readFileSync(log).subarray(offset).toString()));
    child.unref();
    return { outputOnceEnded: () => ended?.() ?? null };
  }

  #arguments(): readonly string[] {
    const { endpoint, settings } = this.#spec;
    const all: Readonly<Record<string, string>> = {
      ...settings,
      listen_addresses: endpoint.tcpHost ?? "",
      port: String(endpoint.port),
      unix_socket_directories: endpoint.socketDirectory ?? "",
      unix_socket_permissions: "0700",
    };
    const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    return ["-D", this.dataDirectory, ...flags];
  }

  #isHere(postmaster: Postmaster | null): boolean {
    const { port, socketDirectory, tcpHost } = this.#spec.endpoint;
    return (
      postmaster !== null &&
      postmaster.port === port &&
      postmaster.socketDirectory === (socketDirectory ?? "") &&
      postmaster.listenAddress === (tcpHost ?? "")
    );
  }

  async #untilGone(postmaster: Postmaster): Promise<void> {
    const deadlineMs = this.#spec.clock.now() + this.#spec.limitMs;
    while (livingPostmaster(this.dataDirectory)?.pid === postmaster.pid) {
      if (this.#spec.clock.now() > deadlineMs) throw this.#tooSlow("stop");
      await this.#pause();
    }
  }

  async #pause(signal?: AbortSignal): Promise<void> {
    try {
      await this.#spec.clock.sleep(LOOK_AGAIN_MS, signal);
    } catch (cause) {
      throw new LocalPostgresError("ABORTED", "waiting for PostgreSQL was given up", {
        hint: "Start again when ready.",
        cause,
      });
    }
  }

  #tooSlow(what: "start" | "stop"): LocalPostgresError {
    const limit = `${this.#spec.limitMs} ms`;
    return new LocalPostgresError("TIMED_OUT", `PostgreSQL did not ${what} within ${limit}`, {
      retryable: true,
      hint: `Read ${join(this.directory, "postgres.log")}.`,
    });
  }

  #portTaken(by: string): LocalPostgresError {
    const { tcpHost, port, socketDirectory } = this.#spec.endpoint;
    const where = socketDirectory ?? tcpHost ?? "";
    return new LocalPostgresError("PORT_TAKEN", `port ${port} of ${where} is taken by ${by}`, {
      hint: "Stop the program that listens there, or choose another port.",
    });
  }
}

/** Puts an overgrown log aside. Returns the size of the log as it is now. */
function rotateLog(log: string): number {
  const size = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= LOG_MAX_BYTES) return size;
  renameSync(log, `${log}.1`);
  return 0;
}

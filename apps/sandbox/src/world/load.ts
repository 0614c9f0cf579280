/** The client load of a sandbox: a process of its own that counts what it was promised. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { LoadCommand, LoadCounts, LoadEvent, ReadbackResult } from "../load/load-protocol.ts";
import { Child } from "../process/index.ts";
import type { Cleanups } from "./cleanups.ts";
import type { Ground } from "./ground.ts";
import { NAMES } from "./places.ts";
import { loadProgram } from "./programs.ts";
import { CLIENT_PORT } from "./topology.ts";

export interface LoadOptions {
  readonly ground: Ground;
  readonly cleanups: Cleanups;
  readonly ratePerSecond?: number;
}

const RATE_PER_SECOND_DEFAULT = 200;
/** Writes in flight are given up by the load itself well before this. */
const STOP_WITHIN_MS = 30_000;
const READY_WITHIN_MS = 20_000;
const READBACK_WITHIN_MS = 120_000;
/** What the process may take beyond its own limit to answer. */
const ANSWER_GRACE_MS = 5_000;
const QUIT_GRACE_MS = 1_000;

type EventOf<Name extends LoadEvent["event"]> = Extract<LoadEvent, { readonly event: Name }>;

/** Clients under our command. Starting what runs and stopping what stands still change nothing. */
export class Load {
  readonly #child: Child;
  readonly #listeners = new Set<(event: LoadEvent) => void>();
  #counts: LoadCounts | null = null;

  private constructor(child: Child) {
    this.#child = child;
    // A process that is gone fails the call that waits for it, not the write.
    child.process.stdin?.on("error", () => {});
    if (child.process.stdout !== null) {
      createInterface({ input: child.process.stdout }).on("line", (line) => this.#hear(line));
    }
  }

  /** Starts the process; it ends with the sandbox. */
  static async open(options: LoadOptions): Promise<Load> {
    const { layout, registry } = options.ground;
    const run = `${Date.now().toString(36)}${randomBytes(2).toString("hex")}`;
    const configFile = join(layout.home, `load-${run}.json`);
    writeFileSync(configFile, JSON.stringify(configurationOf(options, run)), { mode: 0o600 });
    const child = Child.start({
      ...loadProgram(configFile),
      name: `load-${run}`,
      logFile: join(layout.logs, "load.log"),
      registry,
      talks: "lines",
    });
    const load = new Load(child);
    options.cleanups.add(() => load.close());
    await load.#next("ready", READY_WITHIN_MS);
    return load;
  }

  /** The newest counts; null before the first. */
  counts(): LoadCounts | null {
    return this.#counts;
  }

  /** Calls `listener` for every event from now on. @returns what ends that */
  listen(listener: (event: LoadEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins writing. */
  start(): void {
    this.#send({ command: "start" });
  }

  /**
   * Begins no more writes; resolves with the final counts once those under way have ended.
   * @throws {CloudPhoenixError} `CONFLICT` if it was never started, `NOT_RUNNING`, `TIMED_OUT`
   */
  async stop(): Promise<LoadCounts> {
    const stopped = this.#next("stopped", STOP_WITHIN_MS);
    this.#send({ command: "stop" });
    await stopped;
    if (this.#counts !== null) return this.#counts;
    throw new CloudPhoenixError("CONFLICT", "the client load never counted anything", {
      retryable: false,
    });
  }

  /**
   * Reads every acknowledged write back.
   * @param from.baseUrl - where; default: wherever the name points
   * @throws {CloudPhoenixError} `NOT_RUNNING`, `TIMED_OUT`
   */
  async readBack(
    from: { readonly baseUrl?: string; readonly timeoutMs?: number } = {},
  ): Promise<ReadbackResult> {
    const limitMs = from.timeoutMs ?? READBACK_WITHIN_MS;
    const result = this.#next("readback", limitMs + ANSWER_GRACE_MS);
    this.#send({ command: "readback", ...from });
    return result;
  }

  /** Ends the process. Idempotent. */
  async close(): Promise<void> {
    this.#child.process.stdin?.end();
    await this.#child.stop(QUIT_GRACE_MS);
  }

  #hear(line: string): void {
    const event: LoadEvent = JSON.parse(line);
    if (event.event === "counts") this.#counts = event;
    for (const listener of this.#listeners) listener(event);
  }

  #send(command: LoadCommand): void {
    this.#child.process.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  /** The next event called `name`; an `error` event, the end of the process and time fail it. */
  async #next<Name extends LoadEvent["event"]>(
    name: Name,
    limitMs: number,
  ): Promise<EventOf<Name>> {
    const { promise, resolve, reject } = Promise.withResolvers<EventOf<Name>>();
    const timer = setTimeout(() => reject(tooSlow(name, limitMs)), limitMs);
    const unlisten = this.listen((event) => {
      if (isCalled(event, name)) resolve(event);
      else if (event.event === "error") reject(failed(event.message));
    });
    void this.#child.exited.then(() => reject(notRunning()));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      unlisten();
    }
  }
}

function configurationOf({ ground, ratePerSecond }: LoadOptions, run: string): object {
  return {
    run,
    name: NAMES.host,
    port: ground.ports.get(CLIENT_PORT),
    dns: { host: "127.0.0.1", port: ground.ports.get("dns") },
    ledgerFile: join(ground.layout.home, `acknowledged-${run}.jsonl`),
    ratePerSecond: ratePerSecond ?? RATE_PER_SECOND_DEFAULT,
  };
}

function isCalled<Name extends LoadEvent["event"]>(
  event: LoadEvent,
  name: Name,
): event is EventOf<Name> {
  return event.event === name;
}

function notRunning(): CloudPhoenixError {
  return new CloudPhoenixError("NOT_RUNNING", "the client load does not run", {
    retryable: false,
    hint: "Start the load first; if it ended by itself, read logs/load.log.",
  });
}

function failed(message: string): CloudPhoenixError {
  return new CloudPhoenixError("INTERNAL", `the client load failed: ${message}`, {
    retryable: false,
  });
}

function tooSlow(what: string, limitMs: number): CloudPhoenixError {
  const message = `the client load did not answer (${what}) within ${limitMs} ms`;
  return new CloudPhoenixError("TIMED_OUT", message, { retryable: true });
}

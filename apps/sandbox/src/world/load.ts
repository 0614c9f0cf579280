/** The client load of a sandbox: a process of its own that counts what it was promised. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type {
  LoadCommand,
  LoadCounts,
  LoadEvent,
  OrderCensus,
  ReadbackResult,
} from "../load/load-protocol.ts";
import { Child } from "../process/index.ts";
import type { Cleanups } from "./cleanups.ts";
import type { Ground } from "./ground.ts";
import { NAMES } from "./places.ts";
import { loadProgram } from "./programs.ts";
import { CLIENT_PORT } from "./topology.ts";

export interface LoadOptions {
  readonly ground: Ground;
  readonly ratePerSecond: number;
  readonly cleanups: Cleanups;
}

/** Writes in flight are given up by the load itself well before this. */
const STOP_WITHIN_MS = 45_000;
const READY_WITHIN_MS = 20_000;
const READBACK_WITHIN_MS = 120_000;
const CENSUS_WITHIN_MS = 65_000;
/** What the process may take beyond its own limit to answer. */
const ANSWER_GRACE_MS = 5_000;
const QUIT_GRACE_MS = 1_000;

type EventOf<Name extends LoadEvent["event"]> = Extract<LoadEvent, { readonly event: Name }>;

/**
 * Its process starts with the first use and ends with the sandbox. Starting what runs and stopping
 * what stands still change nothing; what was acknowledged before a pause is remembered after it.
 */
export class WorldLoad {
  readonly #options: LoadOptions;
  readonly #listeners = new Set<(event: LoadEvent) => void>();
  #child: Child | null = null;
  #counts: LoadCounts | null = null;
  #writing = false;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** The newest counts; null before the first. */
  get counts(): LoadCounts | null {
    return this.#counts;
  }

  /** Calls `listener` for every event from now on. @returns what ends that */
  listen(listener: (event: LoadEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins writing at the rate of the sandbox. @throws {CloudPhoenixError} `TIMED_OUT`, `NOT_RUNNING` */
  async start(): Promise<void> {
    if (this.#child?.alive !== true) await this.#launch();
    this.#send({ command: "start" });
    this.#writing = true;
  }

  /**
   * Begins no more writes; resolves once those under way have ended.
   * @returns the final counts; null if nothing was ever written
   * @throws {CloudPhoenixError} `TIMED_OUT`, `NOT_RUNNING` if the process ended by itself
   */
  async stop(): Promise<LoadCounts | null> {
    if (!this.#writing) return this.#counts;
    this.#writing = false;
    const stopped = this.#next("stopped", STOP_WITHIN_MS);
    this.#send({ command: "stop" });
    await stopped;
    return this.#counts;
  }

  /**
   * Reads every acknowledged write back.
   * @param from.baseUrl - where; default: wherever the name points
   * @throws {CloudPhoenixError} `NOT_RUNNING` if nothing was ever written, `TIMED_OUT`
   */
  async readback(
    from: { readonly baseUrl?: string; readonly timeoutMs?: number } = {},
  ): Promise<ReadbackResult> {
    const limitMs = from.timeoutMs ?? READBACK_WITHIN_MS;
    const result = this.#next("readback", limitMs + ANSWER_GRACE_MS);
    this.#send({ command: "readback", ...from });
    return result;
  }

  /**
   * Counts the orders that the application has, wherever the name points.
   * @throws {CloudPhoenixError} `NOT_RUNNING` if nothing was ever written, `TIMED_OUT`
   */
  async census(): Promise<OrderCensus> {
    const census = this.#next("census", CENSUS_WITHIN_MS);
    this.#send({ command: "census" });
    return census;
  }

  async #launch(): Promise<void> {
    const { layout, registry } = this.#options.ground;
    const run = `${Date.now().toString(36)}${randomBytes(2).toString("hex")}`;
    const configFile = join(layout.home, `load-${run}.json`);
    writeFileSync(configFile, JSON.stringify(configurationOf(this.#options, run)), {
      mode: 0o600,
    });
    const child = Child.start({
      ...loadProgram(configFile),
      name: `load-${run}`,
      logFile: join(layout.logs, "load.log"),
      registry,
      talks: "lines",
    });
    this.#child = child;
    // A process that is gone fails the call that waits for it, not the write.
    child.process.stdin?.on("error", () => {});
    if (child.process.stdout !== null) {
      createInterface({ input: child.process.stdout }).on("line", (line) => this.#hear(line));
    }
    this.#options.cleanups.add(async () => {
      child.process.stdin?.end();
      await child.stop(QUIT_GRACE_MS);
    });
    await this.#next("ready", READY_WITHIN_MS);
  }

  #hear(line: string): void {
    const event: LoadEvent = JSON.parse(line);
    if (event.event === "counts") this.#counts = event;
    for (const listener of this.#listeners) listener(event);
  }

  #send(command: LoadCommand): void {
    this.#child?.process.stdin?.write(`${JSON.stringify(command)}\n`);
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
    if (this.#child?.alive !== true) reject(notRunning());
    void this.#child?.exited.then(() => reject(notRunning()));
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
    ratePerSecond,
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

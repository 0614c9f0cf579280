/**
 * Which processes belong to a sandbox, kept in a directory so that the next start can end what a
 * kill -9 left behind.
 *
 * One file per process, written by whoever started it: no two processes ever write the same file.
 * A process is only ever ended if its id still means the process that was recorded.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processIdentity } from "./identity.ts";

/** A recorded process. */
export interface RecordedProcess {
  readonly pid: number;
  readonly identity: string;
  /** For people: `aws/orders-0`, `controller-1`, … */
  readonly name: string;
}

/** How long a process killed with SIGKILL may take to be gone. */
const GONE_WITHIN_MS = 5_000;

export class ProcessRegistry {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Records a process that was just started. Harmless if it is already gone. */
  add(pid: number, name: string): void {
    const identity = processIdentity(pid);
    if (identity === null) return;
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const recorded: RecordedProcess = { pid, identity, name };
    writeFileSync(this.#fileOf(pid), JSON.stringify(recorded), { mode: 0o600 });
  }

  /** Forgets a process that was seen to end. */
  remove(pid: number): void {
    rmSync(this.#fileOf(pid), { force: true });
  }

  /** Recorded processes that live, none of them a later process with a reused id. */
  alive(): readonly RecordedProcess[] {
    return this.#recorded().filter(({ pid, identity }) => processIdentity(pid) === identity);
  }

  /**
   * Kills every recorded process that lives and waits until it is gone. Idempotent.
   * @returns what was ended
   */
  async sweep(): Promise<readonly RecordedProcess[]> {
    const leftovers = this.alive();
    for (const { pid } of leftovers) signalProcess(pid, "SIGKILL");
    const giveUpAtMs = performance.now() + GONE_WITHIN_MS;
    while (this.alive().length > 0 && performance.now() < giveUpAtMs) await sleep(20);
    const stuck = this.alive();
    if (stuck.length > 0) {
      throw new Error(`cannot end ${stuck.map(({ name, pid }) => `${name} (${pid})`).join(", ")}`);
    }
    rmSync(this.#directory, { recursive: true, force: true });
    return leftovers;
  }

  #recorded(): readonly RecordedProcess[] {
    try {
      return readdirSync(this.#directory).flatMap((file) =>
        readRecord(join(this.#directory, file)),
      );
    } catch {
      return [];
    }
  }

  #fileOf(pid: number): string {
    return join(this.#directory, `${pid}.json`);
  }
}

/** Sends a signal; a process that is already gone is fine. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ESRCH: gone before the signal came, which is what a signal to end it wants.
  }
}

function readRecord(file: string): readonly RecordedProcess[] {
  try {
    const record: RecordedProcess = JSON.parse(readFileSync(file, "utf8"));
    return [record];
  } catch {
    // Half written when its writer was killed; the process it meant ends with its parent.
    return [];
  }
}

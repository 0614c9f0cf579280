/** Keeps a program running, as a service manager would: if it ends by itself it is started again. */
import { Child, type ProgramSpec } from "./child.ts";
import { type ProcessRegistry, signalProcess } from "./registry.ts";

export interface KeptProcessOptions extends ProgramSpec {
  readonly name: string;
  readonly logFile: string;
  readonly registry: ProcessRegistry;
}

/** Short, because a controller that comes back late is an outage of its own; not zero, so that a
 * program which cannot start does not spin. */
const START_AGAIN_MS = 250;
const END_GRACE_MS = 3_000;

export class KeptProcess {
  readonly #options: KeptProcessOptions;
  #child: Child;
  #wanted = true;
  #again: NodeJS.Timeout | null = null;
  #unaskedEnds = 0;

  constructor(options: KeptProcessOptions) {
    this.#options = options;
    this.#child = this.#start();
  }

  get name(): string {
    return this.#options.name;
  }

  get logFile(): string {
    return this.#options.logFile;
  }

  /** The newest process; another one after a restart. */
  get pid(): number {
    return this.#child.pid;
  }

  /** How often it ended without being told to. */
  get unaskedEnds(): number {
    return this.#unaskedEnds;
  }

  /** Kills it with SIGKILL; it is started again shortly after. */
  crash(): void {
    this.#child.kill();
  }

  /** Stops it from running without ending it, until `thaw`. */
  freeze(): void {
    signalProcess(this.#child.pid, "SIGSTOP");
  }

  thaw(): void {
    signalProcess(this.#child.pid, "SIGCONT");
  }

  /** Ends it in order, for good. */
  async stop(): Promise<void> {
    this.#unwant();
    this.thaw();
    await this.#child.stop(END_GRACE_MS);
  }

  /** Kills it, for good. */
  kill(): void {
    this.#unwant();
    this.#child.kill();
  }

  #unwant(): void {
    this.#wanted = false;
    if (this.#again !== null) clearTimeout(this.#again);
  }

  #start(): Child {
    const child = Child.start(this.#options);
    void this.#startAgainAfter(child);
    return child;
  }

  async #startAgainAfter(child: Child): Promise<void> {
    await child.exited;
    if (!this.#wanted) return;
    this.#unaskedEnds += 1;
    this.#again = setTimeout(() => {
      this.#child = this.#start();
    }, START_AGAIN_MS);
  }
}

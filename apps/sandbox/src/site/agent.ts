/** Keeps an agent running: one that ends by itself is started again. */
import { Child, type ProcessRegistry } from "../process/index.ts";
import type { ProgramSpec } from "./operations.ts";

export interface SiteAgentOptions {
  readonly name: string;
  readonly program: ProgramSpec;
  readonly logFile: string;
  readonly registry: ProcessRegistry;
}

/** Long enough that an agent which cannot start does not spin. */
const START_AGAIN_MS = 1_000;
const END_GRACE_MS = 1_000;

export class SiteAgent {
  readonly #options: SiteAgentOptions;
  #child: Child;
  #wanted = true;
  #again: NodeJS.Timeout | null = null;

  constructor(options: SiteAgentOptions) {
    this.#options = options;
    this.#child = this.#start();
  }

  async stop(): Promise<void> {
    this.#unwant();
    await this.#child.stop(END_GRACE_MS);
  }

  /** Ends it at once, for good. */
  kill(): void {
    this.#unwant();
    this.#child.kill();
  }

  #unwant(): void {
    this.#wanted = false;
    if (this.#again !== null) clearTimeout(this.#again);
  }

  #start(): Child {
    const { program, ...options } = this.#options;
    const child = Child.start({ ...options, ...program });
    void this.#startAgainAfter(child);
    return child;
  }

  async #startAgainAfter(child: Child): Promise<void> {
    await child.exited;
    if (!this.#wanted) return;
    this.#again = setTimeout(() => {
      this.#child = this.#start();
    }, START_AGAIN_MS);
  }
}

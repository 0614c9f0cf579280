/** Remembers the newest generation a site was changed for, across restarts of its control plane. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { CloudPhoenixError } from "@cloudphoenix/core";

export class GenerationGuard {
  readonly #file: string;
  #generation: number;

  constructor(file: string) {
    this.#file = file;
    this.#generation = readGeneration(file);
  }

  /**
   * Lets a change made for `generation` through and records it first.
   * @throws {CloudPhoenixError} `STALE_GENERATION` if a newer one was recorded
   */
  admit(generation: number): void {
    if (generation < this.#generation) {
      throw new CloudPhoenixError(
        "STALE_GENERATION",
        `generation ${generation} is older than ${this.#generation}, which this site was changed for`,
        { retryable: false },
      );
    }
    if (generation === this.#generation) return;
    // Written beside and renamed, so that a crash leaves the old number or the new one.
    writeFileSync(`${this.#file}.new`, String(generation), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
    this.#generation = generation;
  }
}

function readGeneration(file: string): number {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    // A site that was never changed has no file.
    return 0;
  }
}

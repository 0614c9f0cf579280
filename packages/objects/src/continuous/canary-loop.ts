/** Writes the canary at the source and looks for it at the target, every few seconds. */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { ObjectPlace } from "../object-place.ts";
import type { Surroundings } from "../surroundings.ts";
import { readCanary, writeCanary } from "./canary.ts";
import type { SourceTime } from "./source-time.ts";

export interface CanaryLoopOptions {
  readonly from: string;
  readonly generation: number;
  readonly source: ObjectPlace;
  readonly target: ObjectPlace;
  readonly everyMs: number;
  readonly clock: Surroundings["clock"];
  readonly authority: (signal: AbortSignal) => Promise<void>;
  /** Kept true by what the source's store says of the canary. */
  readonly sourceTime: SourceTime;
  /** When the newest was written that an earlier process saw at the target. */
  readonly seenMs: number | null;
}

export class CanaryLoop {
  readonly #options: CanaryLoopOptions;
  readonly #begun = Promise.withResolvers<void>();
  #seenMs: number | null;

  constructor(options: CanaryLoopOptions) {
    this.#options = options;
    this.#seenMs = options.seenMs;
  }

  /** When the newest canary seen at the target was written; null if none was. */
  get seenMs(): number | null {
    return this.#seenMs;
  }

  /** Resolves when the first has been tried, well or not: the time of the source's store is known then, or cannot be. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Each of the two may fail without the other. @throws {CloudPhoenixError} what is not retryable; `ABORTED` */
  async run(signal: AbortSignal): Promise<void> {
    const { everyMs, clock } = this.#options;
    for (;;) {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(everyMs * 5)]);
      const results = await Promise.allSettled([this.#write(limited), this.#look(limited)]);
      this.#begun.resolve();
      for (const result of results) {
        if (result.status === "rejected" && !isRetryable(result.reason)) throw result.reason;
      }
      await clock.sleep(everyMs, signal);
    }
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { from, generation, source, clock, authority, sourceTime } = this.#options;
    await authority(signal);
    const writtenMs = clock.now();
    const aheadMs = sourceTime.promptAheadMs;
    await writeCanary(source, { writtenMs, site: from, generation, aheadMs }, signal);
    await sourceTime.keep(writtenMs, clock.now(), signal);
  }

  async #look(signal: AbortSignal): Promise<void> {
    const canary = await readCanary(this.#options.target, signal);
    if (canary?.site !== this.#options.from) return;
    this.#seenMs = Math.max(this.#seenMs ?? -Infinity, canary.writtenMs);
  }
}

function isRetryable(error: unknown): boolean {
  return error instanceof CloudPhoenixError && error.retryable;
}

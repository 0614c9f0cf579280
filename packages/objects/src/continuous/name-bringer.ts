/** Brings named objects over, several at the same time, and keeps count: the inside of every bounded copy. */
import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";
import { FINAL_FAILURES } from "./final-failures.ts";
import { KeyMover, type KeyMoverOptions } from "./key-mover.ts";

export interface NameBringerOptions extends KeyMoverOptions {
  /** Objects copied at the same time. */
  readonly inFlight: number;
  /** Asked before every batch of writes; see `ContinuousCopyOptions`. */
  readonly authority: (signal: AbortSignal) => Promise<void>;
}

export interface RangeFailure {
  readonly name: string;
  readonly code: string;
  readonly message: string;
}

/** Plain JSON. */
export interface BroughtCounts {
  /** Names that were asked for. */
  readonly differing: number;
  readonly copied: number;
  readonly bytes: number;
  /** Objects that cannot be copied without a person. */
  readonly failed: number;
  /** The first of them. */
  readonly failures: readonly RangeFailure[];
}

const FAILURES_KEPT = 20;
const AUTHORITY_MS = 100;

export class NameBringer {
  readonly #options: NameBringerOptions;
  readonly #mover: KeyMover;
  readonly #failures: RangeFailure[] = [];
  readonly #counts = { differing: 0, copied: 0, bytes: 0, failed: 0 };
  #passing: Error | null = null;

  constructor(options: NameBringerOptions) {
    this.#options = options;
    this.#mover = new KeyMover(options);
  }

  get counts(): BroughtCounts {
    return { ...this.#counts, failures: [...this.#failures] };
  }

  /** The first failure of an object that may be tried again; null if there was none. */
  get passing(): Error | null {
    return this.#passing;
  }

  /** Resolves when nothing of it is under way. @throws {CloudPhoenixError} as `authority`; `ABORTED` */
  async bring(names: readonly string[], signal: AbortSignal): Promise<void> {
    this.#counts.differing += names.length;
    const waiting = names.values();
    const { authority, inFlight, tools } = this.#options;
    let nextMs = -Infinity;
    const lane = async (): Promise<void> => {
      for (const name of waiting) {
        const nowMs = tools.surroundings.clock.now();
        if (nowMs >= nextMs) {
          await authority(signal);
          nextMs = nowMs + AUTHORITY_MS;
        }
        await this.#bringOne(name, signal);
      }
    };
    await allOrFirstError(Array.from({ length: Math.min(inFlight, names.length) }, lane));
  }

  async #bringOne(name: string, signal: AbortSignal): Promise<void> {
    try {
      const outcome = await this.#mover.bring(name, signal);
      if (outcome.kind !== "copied") return;
      this.#counts.copied += 1;
      this.#counts.bytes += outcome.sizeBytes;
    } catch (error) {
      if (signal.aborted) throw error;
      if (!FINAL_FAILURES.some((code) => hasCode(error, code))) {
        this.#passing ??= error instanceof Error ? error : new Error(String(error));
        return;
      }
      this.#counts.failed += 1;
      const code = error instanceof CloudPhoenixError ? error.code : "INTERNAL";
      if (this.#failures.length < FAILURES_KEPT) {
        this.#failures.push({ name, code, message: messageOf(error) });
      }
    }
  }
}

/** Waits for all of them, so that nothing is under way afterwards; then throws the first error. */
async function allOrFirstError(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

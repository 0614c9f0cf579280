/** Brings named objects over, several at the same time, and keeps count: the inside of every bounded copy. */
import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";
import { Lane } from "../lane.ts";
import { takesPart } from "../own-names.ts";
import { FINAL_FAILURES } from "./final-failures.ts";
import { KeyMover, type KeyMoverOptions } from "./key-mover.ts";
import { slowedTools } from "./slowed-tools.ts";

export interface NameBringerOptions extends KeyMoverOptions {
  /** Objects copied at the same time, at most: fewer while a store asks for patience. */
  readonly inFlight: number;
  /** Asked before every batch of writes; see `ContinuousCopyOptions`. */
  readonly authority: (signal: AbortSignal) => Promise<void>;
}

/** `atTarget`: a listing saw something under the name there. */
export interface NamedObject {
  readonly name: string;
  readonly atTarget: boolean;
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

/** Objects that could not be copied and may be tried again. */
export interface PassingFailures {
  readonly count: number;
  /** Null if there was none. */
  readonly first: Error | null;
}

const FAILURES_KEPT = 20;
const AUTHORITY_MS = 100;

export class NameBringer {
  readonly #options: NameBringerOptions;
  readonly #mover: KeyMover;
  readonly #lane: Lane;
  readonly #failures: RangeFailure[] = [];
  readonly #counts = { differing: 0, copied: 0, bytes: 0, failed: 0 };
  #passing: PassingFailures = { count: 0, first: null };

  constructor(options: NameBringerOptions) {
    this.#options = options;
    const { tools, inFlight } = options;
    this.#lane = new Lane({ most: inFlight, waitingMost: 0, clock: tools.surroundings.clock });
    this.#mover = new KeyMover({ ...options, tools: slowedTools(tools, this.#lane) });
  }

  get counts(): BroughtCounts {
    return { ...this.#counts, failures: [...this.#failures] };
  }

  get passing(): PassingFailures {
    return this.#passing;
  }

  /**
   * Resolves when nothing of it is under way. A canary stays where it is: the one at the target is not this copy's.
   * @throws {CloudPhoenixError} as `authority`; `ABORTED`
   */
  async bring(named: readonly NamedObject[], signal: AbortSignal): Promise<void> {
    const objects = named.filter(({ name }) => takesPart(name));
    this.#counts.differing += objects.length;
    const { authority, tools } = this.#options;
    const refusals: unknown[] = [];
    const refused = (error: unknown): void => void refusals.push(error);
    let nextMs = -Infinity;
    for (const object of objects) {
      const nowMs = tools.surroundings.clock.now();
      if (nowMs >= nextMs) {
        await authority(signal).catch(refused);
        nextMs = nowMs + AUTHORITY_MS;
      }
      if (refusals.length > 0) break;
      await this.#lane.add(() => this.#bringOne(object, signal).catch(refused));
    }
    await this.#lane.drained();
    if (refusals.length > 0) throw refusals[0];
  }

  async #bringOne({ name, atTarget }: NamedObject, signal: AbortSignal): Promise<void> {
    try {
      const outcome = await this.#mover.bring(name, signal, atTarget);
      if (outcome.kind !== "copied") return;
      this.#counts.copied += 1;
      this.#counts.bytes += outcome.sizeBytes;
    } catch (error) {
      if (signal.aborted) throw error;
      if (!FINAL_FAILURES.some((code) => hasCode(error, code))) {
        const { count, first } = this.#passing;
        const now = error instanceof Error ? error : new Error(String(error));
        this.#passing = { count: count + 1, first: first ?? now };
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

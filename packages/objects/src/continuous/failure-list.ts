import { type CopiedMark, UNCOPIED_MAX } from "./copier-memory.ts";
import { FAILURES_MAX, type ObjectFailure } from "./replication-facts.ts";

/** Keys remembered; of further ones only the number and the oldest change are known. */
const REMEMBERED_MAX = 1_000;

export interface NotedFailure extends Omit<ObjectFailure, "sinceMs"> {
  /** The change that cannot be copied; null for an object that is at the target alone. */
  readonly changedMs: number | null;
}

interface Remembered extends NotedFailure {
  readonly sinceMs: number;
  readonly lastMs: number;
}

/** Final failures that have no place in the list. */
interface Further {
  readonly count: number;
  readonly oldestMs: number;
}

const NO_FURTHER: Further = { count: 0, oldestMs: Infinity };

/** Objects that cannot be copied, by key, in bounded memory. */
export class FailureList {
  readonly #failures = new Map<string, Remembered>();
  /** Since the last complete comparison began before the one that is under way, and since that began. */
  #further: Further = NO_FURTHER;
  #furtherNow: Further = NO_FURTHER;

  get count(): number {
    return this.#failures.size + this.#furtherCount;
  }

  /** Those that are not copied, and will not be by themselves. */
  get finalCount(): number {
    return this.#final.length + this.#furtherCount;
  }

  /** The oldest of them. */
  get listed(): readonly ObjectFailure[] {
    return [...this.#failures.values()]
      .slice(0, FAILURES_MAX)
      .map(({ key, code, message, sinceMs, retried }) => ({
        key,
        code,
        message,
        sinceMs,
        retried,
      }));
  }

  /** The oldest change that is not copied and will not be by itself; null if there is none. */
  get oldestFinalMs(): number | null {
    const oldestMs = Math.min(this.#furtherMs, ...this.#final.map(({ changedMs }) => changedMs));
    return oldestMs === Infinity ? null : oldestMs;
  }

  /** The final ones by name as far as there is room, and the oldest change of the others. */
  get uncopied(): CopiedMark {
    const final = this.#final;
    const unnamed = final.slice(UNCOPIED_MAX).map(({ changedMs }) => changedMs);
    return {
      untilMs: Math.min(this.#furtherMs, ...unnamed),
      except: final.slice(0, UNCOPIED_MAX).map(({ key }) => key),
    };
  }

  /** True if nothing was known of it, or something else. */
  failed(failure: NotedFailure, nowMs: number): boolean {
    const known = this.#failures.get(failure.key);
    if (known === undefined && this.#failures.size >= REMEMBERED_MAX) {
      if (!failure.retried) this.#addFurther(failure.changedMs ?? Infinity);
      return false;
    }
    const sinceMs = known?.sinceMs ?? nowMs;
    this.#failures.set(failure.key, { ...failure, sinceMs, lastMs: nowMs });
    return known?.code !== failure.code;
  }

  /** A comparison met the object again; whether it can be copied now is not known yet. */
  met(key: string, nowMs: number): void {
    const known = this.#failures.get(key);
    if (known !== undefined) this.#failures.set(key, { ...known, lastMs: nowMs });
  }

  /** A comparison saw it at the target alone: there is nothing to copy any more. */
  metAlone(key: string, nowMs: number): void {
    if (this.#failures.get(key)?.changedMs === null) this.met(key, nowMs);
    else this.healed(key);
  }

  healed(key: string): void {
    this.#failures.delete(key);
  }

  /** A comparison begins. */
  comparing(): void {
    this.#furtherNow = NO_FURTHER;
  }

  /** It is complete and met every object that cannot be copied; others are over. */
  compared(beganMs: number): void {
    this.#further = this.#furtherNow;
    for (const [key, { lastMs, retried }] of this.#failures) {
      if (!retried && lastMs < beganMs) this.#failures.delete(key);
    }
  }

  get #final(): readonly (Remembered & { readonly changedMs: number })[] {
    return [...this.#failures.values()].filter(isFinal);
  }

  get #furtherCount(): number {
    return Math.max(this.#further.count, this.#furtherNow.count);
  }

  get #furtherMs(): number {
    return Math.min(this.#further.oldestMs, this.#furtherNow.oldestMs);
  }

  #addFurther(changedMs: number): void {
    const { count, oldestMs } = this.#furtherNow;
    this.#furtherNow = { count: count + 1, oldestMs: Math.min(oldestMs, changedMs) };
  }
}

function isFinal(failure: Remembered): failure is Remembered & { readonly changedMs: number } {
  return !failure.retried && failure.changedMs !== null;
}

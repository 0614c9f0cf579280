import { type CopiedMark, UNCOPIED_MAX } from "./copier-memory.ts";
import { PERHAPS_FINAL } from "./final-failures.ts";
import { STORE_TIME_MARGIN_MS } from "./source-time.ts";
import { FAILURES_MAX, type ObjectFailure } from "./replication-facts.ts";

/** Keys remembered; of further ones only the number and the oldest change are known. */
const REMEMBERED_MAX = 1_000;
/** So many tries make a failure a lasting one, about a quarter of a minute of them. */
const LASTING_TRIES = 5;
/** More than these at once are no matter of single objects. */
const LASTING_MAX = 20;

export interface NotedFailure extends Omit<ObjectFailure, "sinceMs"> {
  /** The change that cannot be copied; null for an object that is at the target alone. */
  readonly changedMs: number | null;
}

/** A failure that may be the store's, and what speaks for its being the object's. */
export interface FailedTry {
  readonly key: string;
  readonly code: string;
  /** In a row, this one included. */
  readonly tries: number;
  /** When another object was copied last. */
  readonly othersCopiedMs: number;
}

interface Remembered extends NotedFailure {
  readonly sinceMs: number;
  readonly lastMs: number;
  /** What a comparison saw of it at the source, and when; null before one did. */
  readonly seen: { readonly sizeBytes: number; readonly atMs: number } | null;
}

/** What went missing at the source. */
export interface WentMissing {
  readonly sizeBytes: number;
  /** When the first comparison that missed it was complete. */
  readonly sinceMs: number;
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

  /** The oldest change that is not copied and will not be by itself, of objects whose size is not known. */
  get oldestUnseenMs(): number | null {
    const unseen = this.#final.filter(({ seen }) => seen === null);
    const oldestMs = Math.min(this.#furtherMs, ...unseen.map(({ changedMs }) => changedMs));
    return oldestMs === Infinity ? null : oldestMs;
  }

  /**
   * Whether what went missing may be what is not copied, under its old name: a rename keeps the size. One that was
   * seen before the old name was missed may have become another since.
   */
  mayBeRenamed({ sizeBytes, sinceMs }: WentMissing): boolean {
    return this.#final.some(({ changedMs, seen }) => {
      if (changedMs - STORE_TIME_MARGIN_MS >= sinceMs) return false;
      return seen === null || seen.sizeBytes === sizeBytes || seen.atMs <= sinceMs;
    });
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

  /**
   * Whether a failure that a whole store may have is one of this object, which then needs a person like one that can
   * never be copied: it came `LASTING_TRIES` times in a row while others were copied, and there are few of them.
   * It stays so until the object is copied.
   */
  isLasting({ key, code, tries, othersCopiedMs }: FailedTry): boolean {
    if (!PERHAPS_FINAL.includes(code)) return false;
    const known = this.#failures.get(key);
    if (known === undefined) return false;
    if (!known.retried && known.code === code) return true;
    const lasting = this.#final.filter((one) => PERHAPS_FINAL.includes(one.code)).length;
    return tries >= LASTING_TRIES && othersCopiedMs > known.lastMs && lasting < LASTING_MAX;
  }

  /** True if nothing was known of it, or something else. */
  failed(failure: NotedFailure, nowMs: number): boolean {
    const known = this.#failures.get(failure.key);
    if (known === undefined && this.#failures.size >= REMEMBERED_MAX) {
      if (!failure.retried) this.#addFurther(failure.changedMs ?? Infinity);
      return false;
    }
    const sinceMs = known?.sinceMs ?? nowMs;
    const seen = known?.seen ?? null;
    this.#failures.set(failure.key, { ...failure, sinceMs, lastMs: nowMs, seen });
    return known?.code !== failure.code || known.retried !== failure.retried;
  }

  /** A comparison met the object again; whether it can be copied now is not known yet. */
  met(key: string, nowMs: number, sizeBytes: number): void {
    const known = this.#failures.get(key);
    const seen = { sizeBytes, atMs: nowMs };
    if (known !== undefined) this.#failures.set(key, { ...known, lastMs: nowMs, seen });
  }

  /** A comparison saw it at the target alone: there is nothing to copy any more. */
  metAlone(key: string, nowMs: number): void {
    const known = this.#failures.get(key);
    if (known?.changedMs !== null) this.healed(key);
    else this.#failures.set(key, { ...known, lastMs: nowMs });
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

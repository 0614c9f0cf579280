/**
 * A secret that may change while the service runs.
 *
 * 1. The value is read when it is needed and kept for a while; how long is how late a rotation may
 *    be noticed by those who are not told otherwise.
 * 2. Whoever sees it refused calls `invalidate`; the next use reads it again.
 * 3. If its source cannot be reached, the last value is used: an outage of the secret store must not
 *    become an outage of the service.
 */
import { monotonicMs } from "../resilience/deadline.ts";
import { withTimeout } from "../resilience/with-timeout.ts";

/** A value and what its store knows of it; times since 1970, null if the store does not say. */
export interface SecretReading {
  readonly value: string;
  readonly writtenAtMs: number | null;
  readonly expiresAtMs: number | null;
}

/** The one thing every kind of secret store can do. */
export interface SecretSource {
  /** The value now. @throws {Error} if it cannot be had; the message never holds a value */
  read(signal: AbortSignal): Promise<SecretReading>;
}

/** What may be told of a secret in use. */
export interface SecretState extends Omit<SecretReading, "value"> {
  /** Its store did not answer the last time, and an old value is used. */
  readonly isStale: boolean;
}

/** How a secret is kept. */
export interface SecretOptions {
  /** How long a value is used without asking. Default 5 min. */
  readonly keepMs?: number;
  /** Limit of one read. Default 3 s. */
  readonly timeoutMs?: number;
  /** The source failed and an old value is used. For the log. */
  readonly onStale?: (error: unknown) => void;
  readonly now?: () => number;
}

export class Secret {
  readonly #source: SecretSource;
  readonly #options: SecretOptions;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  #reading: Promise<string> | null = null;
  #known: { readonly reading: SecretReading; readonly atMs: number } | null = null;
  #refused = true;
  #storeFailed = false;

  constructor(source: SecretSource, options: SecretOptions = {}) {
    this.#source = source;
    this.#options = options;
    this.#now = options.now ?? monotonicMs;
  }

  /** The value. @throws {Error} if it has never been read and cannot be */
  async value(): Promise<string> {
    const keepMs = this.#options.keepMs ?? 300_000;
    if (!this.#refused && this.#known !== null && this.#now() - this.#known.atMs < keepMs) {
      return this.#known.reading.value;
    }
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** The value was refused: the next use reads it again. */
  invalidate(): void {
    this.#refused = true;
  }

  /** Of the value in use; null before the first read. */
  get state(): SecretState | null {
    if (this.#known === null) return null;
    const { writtenAtMs, expiresAtMs } = this.#known.reading;
    return { writtenAtMs, expiresAtMs, isStale: this.#storeFailed };
  }

  /** Calls `listener` whenever a read finds another value. Returns how to stop that. */
  onRotated(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #read(): Promise<string> {
    const before = this.#known;
    try {
      const reading = await withTimeout(this.#options.timeoutMs ?? 3_000, (signal) =>
        this.#source.read(signal),
      );
      this.#known = { reading, atMs: this.#now() };
      this.#refused = false;
      this.#storeFailed = false;
      if (before !== null && before.reading.value !== reading.value) {
        for (const listener of this.#listeners) listener();
      }
      return reading.value;
    } catch (error) {
      if (before === null) throw error;
      this.#options.onStale?.(error);
      // Used for as long again, unless it is refused.
      this.#known = { reading: before.reading, atMs: this.#now() };
      this.#refused = false;
      this.#storeFailed = true;
      return before.reading.value;
    }
  }
}

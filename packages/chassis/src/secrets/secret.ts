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

/** The one thing every kind of secret store can do. */
export interface SecretSource {
  /** The value now. @throws {Error} if it cannot be had; the message never holds a value */
  read(signal: AbortSignal): Promise<string>;
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
  #known: { readonly value: string; readonly atMs: number } | null = null;
  #stale = true;

  constructor(source: SecretSource, options: SecretOptions = {}) {
    this.#source = source;
    this.#options = options;
    this.#now = options.now ?? monotonicMs;
  }

  /** The value. @throws {Error} if it has never been read and cannot be */
  async value(): Promise<string> {
    const keepMs = this.#options.keepMs ?? 300_000;
    if (!this.#stale && this.#known !== null && this.#now() - this.#known.atMs < keepMs) {
      return this.#known.value;
    }
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** The value was refused: the next use reads it again. */
  invalidate(): void {
    this.#stale = true;
  }

  /** Calls `listener` whenever a read finds another value. Returns how to stop that. */
  onRotated(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #read(): Promise<string> {
    const before = this.#known;
    try {
      const value = await withTimeout(this.#options.timeoutMs ?? 3_000, (signal) =>
        this.#source.read(signal),
      );
      this.#known = { value, atMs: this.#now() };
      this.#stale = false;
      if (before !== null && before.value !== value) {
        for (const listener of this.#listeners) listener();
      }
      return value;
    } catch (error) {
      if (before === null) throw error;
      this.#options.onStale?.(error);
      // Used for as long again, unless it is refused.
      this.#known = { value: before.value, atMs: this.#now() };
      this.#stale = false;
      return before.value;
    }
  }
}

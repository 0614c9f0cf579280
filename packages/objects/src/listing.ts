/**
 * One listing, read page by page with the next page already asked for, and checked.
 *
 * 1. Keys ascend strictly, begin with the prefix and lie in the range; otherwise `LISTING_BROKEN`.
 * 2. A page that fails is asked for again from the last key on; after the last attempt the listing
 *    fails. It never just ends.
 * 3. At most two pages are held.
 */
import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";
import { compareKeys, type KeyRange } from "./compare-keys.ts";
import { addressOf, type ObjectPlace } from "./object-place.ts";
import type { ObjectEntry } from "./object-store.ts";
import { abortedError, type RetryPolicy, withRetries } from "./retries.ts";
import type { Surroundings } from "./surroundings.ts";

export interface ListingOptions {
  /** In names: keys without the prefix. */
  readonly range: KeyRange;
  readonly surroundings: Surroundings;
  readonly retries: RetryPolicy;
  readonly signal: AbortSignal;
}

/** A page of a listing; null after the last. */
type Page = readonly ObjectEntry[] | null;

/** Hands out the pages of one place in order. Not for concurrent callers. */
export class Listing {
  readonly #place: ObjectPlace;
  readonly #options: ListingOptions;
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  readonly #upTo: string | null;
  /** The last key seen; the next page begins after it. */
  #last: string | null;
  #iterator: AsyncIterator<readonly ObjectEntry[]> | null = null;
  #ahead: Promise<Page> | null = null;
  #ended = false;

  constructor(place: ObjectPlace, options: ListingOptions) {
    this.#place = place;
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#closing.signal]);
    const { after, upTo } = options.range;
    this.#last = after === undefined ? null : place.prefix + after;
    this.#upTo = upTo === undefined ? null : place.prefix + upTo;
  }

  /**
   * The next page, never empty; null when the listing is complete. Asks for the one after it.
   * @throws {CloudPhoenixError} `LISTING_BROKEN`, `OBJECT_STORE_DENIED`, `NOT_FOUND`, `ABORTED`
   */
  async next(): Promise<Page> {
    const page = await (this.#ahead ?? this.#fetch());
    this.#ahead = page === null ? Promise.resolve(null) : this.#fetch();
    // Its failure belongs to whoever asks for that page; nobody may.
    this.#ahead.catch(() => null);
    return page;
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#closing.abort(abortedError("the listing is not needed any more"));
    await this.#ahead?.catch(() => null);
    await this.#drop();
  }

  async #fetch(): Promise<Page> {
    if (this.#ended) return null;
    try {
      const { surroundings, retries } = this.#options;
      return await withRetries((signal) => this.#ask(signal), {
        surroundings,
        policy: retries,
        signal: this.#signal,
      });
    } catch (error) {
      throw this.#broken(error);
    }
  }

  async #ask(signal: AbortSignal): Promise<Page> {
    const stop = (): void => this.#abandon(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    try {
      for (;;) {
        this.#iterator ??= this.#open();
        const result = await this.#iterator.next();
        if (result.done === true) {
          this.#ended = true;
          return null;
        }
        const page = this.#checked(result.value);
        if (page.length > 0) return page;
        if (this.#ended) return null;
      }
    } catch (error) {
      await this.#drop();
      throw error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #request = new AbortController();

  #open(): AsyncIterator<readonly ObjectEntry[]> {
    this.#request = new AbortController();
    const { store, prefix } = this.#place;
    const request = this.#last === null ? { prefix } : { prefix, after: this.#last };
    return store.list(request, this.#request.signal)[Symbol.asyncIterator]();
  }

  #abandon(reason: unknown): void {
    this.#request.abort(reason);
  }

  async #drop(): Promise<void> {
    const iterator = this.#iterator;
    this.#iterator = null;
    this.#abandon(abortedError("the listing is begun anew or not needed any more"));
    await iterator?.return?.()?.catch(() => null);
  }

  #checked(page: readonly ObjectEntry[]): readonly ObjectEntry[] {
    const { prefix } = this.#place;
    let kept = page.length;
    for (const [at, { key, sizeBytes }] of page.entries()) {
      if (!key.startsWith(prefix)) throw this.#lie(`${key} does not begin with ${prefix}`);
      if (this.#last !== null && compareKeys(key, this.#last) <= 0) {
        throw this.#lie(`${key} comes after ${this.#last}`);
      }
      if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
        throw this.#lie(`${key} has a size of ${sizeBytes} bytes`);
      }
      if (this.#upTo !== null && compareKeys(key, this.#upTo) > 0) {
        this.#ended = true;
        kept = at;
        break;
      }
      this.#last = key;
    }
    return kept === page.length ? page : page.slice(0, kept);
  }

  #lie(what: string): CloudPhoenixError {
    const message = `the listing of ${addressOf(this.#place)} cannot be trusted: ${what}`;
    return new CloudPhoenixError("LISTING_BROKEN", message, {
      retryable: false,
      hint: "Report this to whoever runs the store; nothing was concluded from the listing.",
    });
  }

  #broken(error: unknown): unknown {
    const keptAsItIs = ["ABORTED", "LISTING_BROKEN", "OBJECT_STORE_DENIED", "NOT_FOUND"] as const;
    if (keptAsItIs.some((code) => hasCode(error, code))) return error;
    const where = this.#last === null ? "at its beginning" : `after ${this.#last}`;
    const message = `the listing of ${addressOf(this.#place)} failed ${where}: ${messageOf(error)}`;
    return new CloudPhoenixError("LISTING_BROKEN", message, {
      retryable: true,
      hint: "Run it again when the store answers; nothing was concluded from the listing.",
      cause: error,
    });
  }
}

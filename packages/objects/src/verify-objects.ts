/**
 * Compares what two places hold, content by content. Changes nothing.
 *
 * 1. Names and sizes are compared for every object, hashes for every one or for a sample.
 * 2. A stored hash is believed only if its store computed or checked it; otherwise the bytes are read.
 *    Blob takes the MD5 of a block upload unseen, so large objects there are always read. What a listing of S3
 *    calls an MD5 may be none: where it differs from the other side's, the object itself is asked.
 * 3. An object that keeps changing while it is read is listed as such, not as different.
 */
import { createHash } from "node:crypto";
import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";
import { BandwidthLimit } from "./bandwidth-limit.ts";
import { Lane } from "./lane.ts";
import { mergeListings, type Pair } from "./merge-listings.ts";
import type { ObjectPlace } from "./object-place.ts";
import type { ObjectEntry, ObjectStore } from "./object-store.ts";
import { DEFAULT_RETRIES, type RetryPolicy, withRetries } from "./retries.ts";
import type { Surroundings } from "./surroundings.ts";
import { failureOf, type SyncFailure } from "./sync-summary.ts";

export interface VerifyOptions {
  readonly source: ObjectPlace;
  readonly target: ObjectPlace;
  readonly surroundings: Surroundings;
  readonly signal: AbortSignal;
  readonly includes?: (name: string) => boolean;
  /** The share of objects whose content is compared, 0 to 1. Default: all. */
  readonly sample?: number;
  /** Believe no stored hash: read every byte of both sides. */
  readonly readEverything?: boolean;
  readonly retries?: RetryPolicy;
  /** At most so much is read of both sides together. Default: no limit. */
  readonly bytesPerSecond?: number;
  /** Told after every page of the listings. */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  /** Names seen on either side. */
  readonly looked: number;
  /** Of them, how many had their content compared. */
  readonly compared: number;
  /** Of those that both sides have in the same size, how many no sample took: of their content nothing is known. */
  readonly sizeOnly: number;
  readonly readBytes: number;
  readonly differences: number;
}

export interface Difference {
  readonly name: string;
  /** `unreadable`: a side could not be read, so nobody knows. `changing`: it did not rest. */
  readonly what: "onlyAtSource" | "onlyAtTarget" | "size" | "content" | "unreadable" | "changing";
  readonly detail: string;
}

export interface VerifySummary {
  readonly outcome: "same" | "different" | "stopped" | "interrupted";
  readonly progress: VerifyProgress;
  /** The first ones; `progress.differences` counts all. */
  readonly differences: readonly Difference[];
  readonly stoppedBy: SyncFailure | null;
}

const DIFFERENCES_KEPT = 1_000;
const AT_ONCE = 8;
const CHANGES_MAX = 3;

/** Up to this size objects were written in one piece, and then every store checks the hash. */
const CHECKED_WRITE_MAX_BYTES = 8 * 1024 * 1024;

export async function verifyObjects(options: VerifyOptions): Promise<VerifySummary> {
  return new Verification(options).run();
}

class Verification {
  readonly #options: VerifyOptions;
  readonly #lane: Lane;
  readonly #bandwidth: BandwidthLimit;
  readonly #differences: Difference[] = [];
  #looked = 0;
  #compared = 0;
  #sizeOnly = 0;
  #readBytes = 0;
  #found = 0;

  constructor(options: VerifyOptions) {
    this.#options = options;
    const { clock } = options.surroundings;
    this.#bandwidth = new BandwidthLimit(options.bytesPerSecond ?? null, clock);
    this.#lane = new Lane({ most: AT_ONCE, waitingMost: AT_ONCE, clock });
  }

  async run(): Promise<VerifySummary> {
    let stoppedBy: SyncFailure | null = null;
    try {
      await this.#walk();
    } catch (error) {
      stoppedBy = failureOf("", asKnown(error));
    }
    await this.#lane.drained();
    return {
      outcome: this.#outcome(stoppedBy),
      progress: this.#progress(),
      differences: this.#differences,
      stoppedBy: this.#options.signal.aborted ? null : stoppedBy,
    };
  }

  async #walk(): Promise<void> {
    const { source, target, surroundings, signal, includes, retries } = this.#options;
    const pairs = mergeListings(source, target, {
      surroundings,
      signal,
      ...(retries === undefined ? {} : { retries }),
      ...(includes === undefined ? {} : { includes }),
    });
    for await (const batch of pairs) {
      for (const pair of batch) {
        this.#looked += 1;
        if (pair.source === null || pair.target === null) this.#oneSided(pair);
        else if (pair.source.sizeBytes !== pair.target.sizeBytes) this.#otherSize(pair);
        else if (this.#isSampled()) await this.#lane.add(() => this.#compare(pair));
        else this.#sizeOnly += 1;
      }
      this.#options.onProgress?.(this.#progress());
    }
  }

  #isSampled(): boolean {
    const { sample = 1, surroundings } = this.#options;
    return sample >= 1 || surroundings.random.next() < sample;
  }

  async #compare({ name, source, target }: BothSided): Promise<void> {
    if (this.#options.signal.aborted) return;
    const listed = this.#believed(source);
    if (listed !== null && listed === this.#believed(target)) {
      this.#compared += 1;
      return;
    }
    try {
      const [left, right] = await Promise.all([
        this.#hashOf(this.#options.source.store, source),
        this.#hashOf(this.#options.target.store, target),
      ]);
      this.#compared += 1;
      if (left !== right) this.#differ(name, "content", `MD5 ${left} here, ${right} there`);
    } catch (error) {
      if (this.#options.signal.aborted) return;
      const isMoving = hasCode(error, "OBJECT_CHANGED") || hasCode(error, "OBJECT_GONE");
      this.#differ(name, isMoving ? "changing" : "unreadable", messageOf(error));
    }
  }

  async #hashOf(store: ObjectStore, listed: ObjectEntry): Promise<string> {
    const isTold = store.capabilities.listsMetadata || this.#believed(listed) === null;
    let entry: ObjectEntry | null = isTold ? listed : await this.#head(store, listed.key);
    for (let changes = 0; entry !== null; changes += 1) {
      const version: ObjectEntry = entry;
      const believed = this.#believed(version);
      if (believed !== null) return believed;
      try {
        return await this.#call((signal) => this.#read(store, version, signal), version.sizeBytes);
      } catch (error) {
        if (!hasCode(error, "OBJECT_CHANGED") || changes >= CHANGES_MAX) throw error;
        entry = await this.#head(store, version.key);
      }
    }
    throw new CloudPhoenixError("OBJECT_GONE", `${listed.key} was deleted meanwhile`, {
      retryable: false,
    });
  }

  /** The hash that makes reading unnecessary. */
  #believed(entry: ObjectEntry): string | null {
    return this.#options.readEverything !== true && isChecked(entry) ? entry.md5 : null;
  }

  #head(store: ObjectStore, key: string): Promise<ObjectEntry | null> {
    return this.#call((signal) => store.head(key, signal));
  }

  async #read(
    store: ObjectStore,
    { key, etag }: ObjectEntry,
    signal: AbortSignal,
  ): Promise<string> {
    const md5 = createHash("md5");
    for await (const chunk of store.read({ key, etag }, signal)) {
      md5.update(chunk);
      this.#readBytes += chunk.byteLength;
      await this.#bandwidth.take(chunk.byteLength, signal);
    }
    return md5.digest("hex");
  }

  #call<T>(work: (signal: AbortSignal) => Promise<T>, bytes = 0): Promise<T> {
    const { surroundings, signal, retries = DEFAULT_RETRIES, bytesPerSecond } = this.#options;
    // Both sides of every object that is compared share the limit.
    const slowest = (bytesPerSecond ?? Infinity) / (2 * AT_ONCE);
    const attemptLimitMs = retries.attemptLimitMs + (bytes / slowest) * 1_000;
    return withRetries(work, {
      surroundings,
      signal,
      policy: { ...retries, attemptLimitMs },
      bytes,
    });
  }

  #oneSided({ name, kind, source }: Pair): void {
    const where = source === null ? "target" : "source";
    const what = kind === "onlyAtSource" ? "onlyAtSource" : "onlyAtTarget";
    this.#differ(name, what, `only the ${where} has it`);
  }

  #otherSize({ name, source, target }: BothSided): void {
    this.#differ(name, "size", `${source.sizeBytes} bytes here, ${target.sizeBytes} there`);
  }

  #differ(name: string, what: Difference["what"], detail: string): void {
    this.#found += 1;
    if (this.#differences.length < DIFFERENCES_KEPT) this.#differences.push({ name, what, detail });
  }

  #progress(): VerifyProgress {
    return {
      looked: this.#looked,
      compared: this.#compared,
      sizeOnly: this.#sizeOnly,
      readBytes: this.#readBytes,
      differences: this.#found,
    };
  }

  #outcome(stoppedBy: SyncFailure | null): VerifySummary["outcome"] {
    if (this.#options.signal.aborted) return "interrupted";
    if (stoppedBy !== null) return "stopped";
    return this.#found === 0 ? "same" : "different";
  }
}

type BothSided = Extract<Pair, { target: ObjectEntry; source: ObjectEntry }>;

/** The store itself has computed or compared the hash. */
function isChecked({ md5, etag, sizeBytes }: ObjectEntry): boolean {
  return md5 === etag || sizeBytes <= CHECKED_WRITE_MAX_BYTES;
}

function asKnown(error: unknown): CloudPhoenixError {
  if (error instanceof CloudPhoenixError) return error;
  const details = { retryable: false, hint: "Report this.", cause: error };
  return new CloudPhoenixError("INTERNAL", messageOf(error), details);
}

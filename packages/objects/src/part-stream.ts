/**
 * The parts of one version of one object on their way from source to target.
 *
 * Owns: the window of parts under way, their hashes, and the hash of the whole, in order. Does not
 * own: beginning and finishing the upload.
 */
import { hash } from "node:crypto";
import { CloudPhoenixError } from "@cloudphoenix/core";
import { type CopyTools, call } from "./copy-tools.ts";
import { type ContentDigest, ContentHash } from "./content-hash.ts";
import type { ByteRange, HashOfParts, ObjectEntry, WholeBody } from "./object-store.ts";
import { throwIfAborted } from "./retries.ts";
import type { JournaledPart, UploadProgress, UploadRecord } from "./upload-journal.ts";

export interface PartStreamOptions {
  readonly facts: ObjectEntry;
  readonly progress: UploadProgress;
  readonly tools: CopyTools;
  /** What the source tells instead of an MD5; how its parts were cut is hashed along. */
  readonly hashOfParts: HashOfParts | null;
}

/** Everything is at the target; only finishing is left. */
export interface SentParts extends ContentDigest {
  readonly parts: readonly JournaledPart[];
  /** How many of them were there before. */
  readonly partsKept: number;
}

/** Use once. */
export class PartStream {
  readonly #facts: ObjectEntry;
  readonly #record: UploadRecord;
  readonly #tools: CopyTools;
  readonly #parts: Map<number, JournaledPart>;
  readonly #partsKept: number;
  readonly #hashOfParts: HashOfParts | null;
  /** Null: nothing of it, or not enough, was hashed by an earlier process. */
  #hashed: UploadProgress["hashed"];

  constructor({ facts, progress, tools, hashOfParts }: PartStreamOptions) {
    this.#facts = facts;
    this.#record = progress.record;
    this.#tools = tools;
    this.#parts = new Map(progress.parts.map((part) => [part.number, part]));
    this.#hashed = progress.hashed;
    this.#partsKept = progress.parts.length;
    this.#hashOfParts = hashOfParts;
  }

  /**
   * Sends what is missing. When it throws, nothing of it is under way any more.
   * @throws {CloudPhoenixError} `OBJECT_CHANGED`, `OBJECT_GONE`, and as `copyObject`
   */
  async send(signal: AbortSignal): Promise<SentParts> {
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const whole = await this.#beginHash();
    const turns = { last: Promise.resolve() };
    const underWay = new Set<Promise<void>>();
    const failures: unknown[] = [];
    for (let number = 1; number <= this.#partCount; number += 1) {
      if (failures.length > 0 || either.aborted) break;
      if (this.#parts.has(number) && this.#isHashed(number)) continue;
      const bytes = this.#sizeOf(number);
      // oxlint-disable-next-line no-loop-func -- one memory grant per part, taken in order
      const release = await this.#tools.memory.take(bytes, either).catch(() => null);
      if (release === null) break;
      const before = turns.last;
      const turn = Promise.withResolvers<void>();
      turns.last = turn.promise;
      const work = this.#sendPart({ number, whole, before, turn, release }, either)
        .catch((error: unknown) => {
          failures.push(error);
          stop.abort(error);
        })
        .finally(() => underWay.delete(work));
      underWay.add(work);
      if (underWay.size >= this.#tools.sizes.partsInFlight) await Promise.race(underWay);
    }
    await Promise.all(underWay);
    throwIfAborted(signal);
    if (failures.length > 0) throw failures[0];
    const parts = [...this.#parts.values()].toSorted((a, b) => a.number - b.number);
    return { parts, partsKept: this.#partsKept, ...whole.digest() };
  }

  async #beginHash(): Promise<ContentHash> {
    const { state } = this.#hashed ?? {};
    const resumed = state === undefined ? null : await ContentHash.resume(state, this.#hashOfParts);
    if (resumed !== null) return resumed;
    this.#hashed = null;
    return ContentHash.create(this.#hashOfParts);
  }

  get #partCount(): number {
    return Math.ceil(this.#record.sizeBytes / this.#record.partBytes);
  }

  /** An earlier process hashed it as a part of the whole. */
  #isHashed(number: number): boolean {
    return number <= (this.#hashed?.parts ?? 0);
  }

  #sizeOf(number: number): number {
    const { firstByte, lastByte } = this.#rangeOf(number);
    return lastByte - firstByte + 1;
  }

  #rangeOf(number: number): ByteRange {
    const { partBytes, sizeBytes } = this.#record;
    const firstByte = (number - 1) * partBytes;
    return { firstByte, lastByte: Math.min(firstByte + partBytes, sizeBytes) - 1 };
  }

  async #sendPart(
    { number, whole, before, turn, release }: PartWork,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const bytes = await this.#read(number, signal);
      const md5 = hash("md5", bytes, "hex");
      await Promise.all([
        this.#store(number, { bytes, md5 }, signal),
        before.then(() => this.#hash(number, whole, { bytes, md5 })).then(turn.resolve),
      ]);
    } finally {
      turn.resolve();
      release();
    }
  }

  async #store(number: number, body: WholeBody, signal: AbortSignal): Promise<void> {
    // Read again only for the hash of the whole: an earlier process stored it and was killed
    // before the parts in front of it had been hashed.
    if (this.#parts.get(number)?.md5 === body.md5) return;
    const tools = this.#tools;
    const { key, upload } = this.#record;
    const part = await call(
      tools,
      signal,
      (limited) => tools.target.uploadPart(upload, { number, ...body }, limited),
      body.bytes.byteLength,
    );
    const stored = { ...part, md5: body.md5 };
    this.#parts.set(number, stored);
    await tools.journal.partStored(key, stored);
    tools.onBytes?.(body.bytes.byteLength);
  }

  async #hash(number: number, whole: ContentHash, { bytes, md5 }: WholeBody): Promise<void> {
    if (this.#isHashed(number)) return;
    whole.update(bytes, md5);
    await this.#tools.journal.hashed(this.#record.key, { parts: number, state: whole.save() });
  }

  async #read(number: number, signal: AbortSignal): Promise<Uint8Array> {
    const { key, etag } = this.#facts;
    const range = this.#rangeOf(number);
    const sizeBytes = this.#sizeOf(number);
    await this.#tools.bandwidth.take(sizeBytes, signal);
    const read = async (limited: AbortSignal): Promise<Uint8Array> => {
      const bytes = Buffer.allocUnsafeSlow(sizeBytes);
      let filled = 0;
      for await (const chunk of this.#tools.source.read({ key, etag, range }, limited)) {
        if (filled + chunk.byteLength > sizeBytes) throw otherLength(key, sizeBytes);
        bytes.set(chunk, filled);
        filled += chunk.byteLength;
      }
      if (filled !== sizeBytes) throw otherLength(key, sizeBytes);
      return bytes;
    };
    return call(this.#tools, signal, read, sizeBytes);
  }
}

interface PartWork {
  readonly number: number;
  readonly whole: ContentHash;
  /** Resolves when the parts in front of it have been hashed. */
  readonly before: Promise<void>;
  readonly turn: PromiseWithResolvers<void>;
  /** Gives the memory back. */
  readonly release: () => void;
}

function otherLength(key: string, sizeBytes: number): CloudPhoenixError {
  const message = `a part of ${key} did not arrive with the ${sizeBytes} bytes that were asked for`;
  return new CloudPhoenixError("OBJECT_CORRUPT", message, {
    retryable: true,
    hint: "Check the network and the source's server if this comes again.",
  });
}

/**
 * A bucket or container in memory that keeps the port's promises and answers at once.
 *
 * Speaks like S3 (ETag is the MD5, listings without metadata) or like Blob (ETag counts, listings with
 * metadata and MD5). Faults are not its business: `FaultyObjectStore` goes around it.
 */
import { hash } from "node:crypto";
import { CloudPhoenixError } from "@cloudphoenix/core";
import {
  type ByteRange,
  compareKeys,
  type FinishRequest,
  type HashOfParts,
  type ListRequest,
  type ObjectEntry,
  type ObjectFacts,
  type ObjectProperties,
  type ObjectStore,
  type ObjectStoreCapabilities,
  type Part,
  type PartUpload,
  type ReadRequest,
  type StoredObject,
  type StoreFinding,
  type WholeBody,
  type WholeObject,
  type WholeReadRequest,
  type WriteCondition,
  type WriteRequest,
} from "@cloudphoenix/objects";

export interface MemoryObjectStoreOptions {
  readonly name?: string;
  readonly flavour?: "s3" | "blob";
  /** Objects per page of a listing. */
  readonly pageSize?: number;
  /** Bytes per chunk of a read. */
  readonly chunkBytes?: number;
  readonly capabilities?: Partial<ObjectStoreCapabilities>;
  /** Its clock. Default: counts changes. */
  readonly now?: () => number;
  /** Names it does not take. */
  readonly refuses?: (key: string) => boolean;
}

interface Held {
  readonly facts: ObjectFacts;
  readonly bytes: Uint8Array;
  /** Bytes of the parts it was stored in; null if in one piece. */
  readonly partBytes: readonly number[] | null;
}

interface HeldUpload {
  readonly request: WriteRequest;
  readonly beganMs: number;
  readonly parts: Map<number, { readonly part: Part; readonly bytes: Uint8Array }>;
}

/** No properties at all: what a plain write has. */
export const NO_PROPERTIES: ObjectProperties = Object.freeze({
  contentType: null,
  contentEncoding: null,
  contentDisposition: null,
  contentLanguage: null,
  cacheControl: null,
  metadata: {},
  tags: {},
  stamp: null,
});

export class MemoryObjectStore implements ObjectStore {
  readonly address: string;
  readonly capabilities: ObjectStoreCapabilities;
  readonly #options: Required<Omit<MemoryObjectStoreOptions, "capabilities" | "name">>;
  readonly #objects = new Map<string, Held>();
  readonly #uploads = new Map<string, HeldUpload>();
  #sorted: readonly string[] | null = null;
  #changes = 0;

  constructor(options: MemoryObjectStoreOptions = {}) {
    const { flavour = "s3", pageSize = 1_000, chunkBytes = 65_536 } = options;
    const { now = () => this.#changes, refuses = () => false } = options;
    this.#options = { flavour, pageSize, chunkBytes, now, refuses };
    this.address = `memory://${options.name ?? flavour}`;
    this.capabilities = {
      listsMetadata: flavour === "blob",
      keepsDeleted: false,
      tags: true,
      tagsHidden: false,
      singleWriteMaxBytes: 64 * 1024 * 1024,
      partMinBytes: 1,
      partMaxBytes: 64 * 1024 * 1024,
      partsMax: 10_000,
      objectMaxBytes: Number.MAX_SAFE_INTEGER,
      urlCopy: null,
      ...options.capabilities,
    };
  }

  /** How many objects are stored. */
  get size(): number {
    return this.#objects.size;
  }

  /** Uploads that have begun and not ended. */
  get openUploads(): number {
    return this.#uploads.size;
  }

  /** Stores an object as an application would. */
  put(
    key: string,
    content: string | Uint8Array,
    properties?: Partial<ObjectProperties>,
  ): ObjectFacts {
    const bytes = typeof content === "string" ? Buffer.from(content) : Uint8Array.from(content);
    return this.#keep(key, bytes, { ...NO_PROPERTIES, ...properties }, md5Of(bytes));
  }

  /**
   * Stores an object that KMS encrypts, in a bucket that as a rule does not (S3 only): its ETag looks like an MD5 and
   * is none, which `head` and reads tell and listings do not.
   */
  putUnderKms(key: string, content: string | Uint8Array): ObjectFacts {
    const plain = this.put(key, content);
    const facts = { ...plain, etag: md5Of(Buffer.from(`kms ${plain.etag}`)), md5: null };
    const bytes = this.bytesOf(key) ?? Buffer.alloc(0);
    this.#objects.set(key, { facts, bytes, partBytes: null });
    return facts;
  }

  /** Stores an object as an application would that sends it in parts, from an upload that began at `beganMs`. */
  async putInParts(
    key: string,
    bodies: readonly Uint8Array[],
    beganMs: number = this.#options.now(),
  ): Promise<ObjectFacts> {
    const { signal } = new AbortController();
    const request = { key, properties: NO_PROPERTIES, condition: { kind: "none" } } as const;
    const upload = this.#begin(request, beganMs);
    const parts = await Promise.all(
      bodies.map((bytes, index) =>
        this.uploadPart(upload, { number: index + 1, bytes, md5: md5Of(bytes) }, signal),
      ),
    );
    const md5 = md5Of(Buffer.concat(bodies));
    const { etag } = await this.finishUpload({ ...request, upload, parts, md5 }, signal);
    return this.#version({ key, etag }).facts;
  }

  /** Removes an object as an application would. */
  remove(key: string): void {
    if (this.#objects.delete(key)) this.#sorted = null;
  }

  /** The content under a key, for a test to look at. */
  bytesOf(key: string): Buffer | null {
    const held = this.#objects.get(key);
    return held === undefined ? null : Buffer.from(held.bytes);
  }

  /** Keys in the order of listings. */
  keys(): readonly string[] {
    this.#sorted ??= [...this.#objects.keys()].toSorted(compareKeys);
    return this.#sorted;
  }

  inspect(signal: AbortSignal): Promise<readonly StoreFinding[]> {
    return answer(signal, () => []);
  }

  async *list(
    { prefix, after }: ListRequest,
    signal: AbortSignal,
  ): AsyncGenerator<readonly ObjectEntry[], void, undefined> {
    let last = after ?? null;
    for (;;) {
      const page = await answer(signal, () => this.#page(prefix, last));
      if (page.length > 0) yield page;
      if (page.length < this.#options.pageSize) return;
      last = page.at(-1)?.key ?? null;
    }
  }

  head(key: string, signal: AbortSignal): Promise<ObjectFacts | null> {
    return answer(signal, () => {
      this.#hold(key);
      return this.#objects.get(key)?.facts ?? null;
    });
  }

  hashOfParts(
    version: Pick<ObjectEntry, "key" | "etag">,
    sizes: "likely" | "each",
    signal: AbortSignal,
  ): Promise<HashOfParts | null> {
    return answer(signal, () => {
      const { partBytes, facts } = this.#version(version);
      const [md5, count] = facts.etag.split("-");
      if (this.#options.flavour !== "s3" || partBytes === null || md5 === undefined) return null;
      const first = partBytes[0] ?? 0;
      const last = facts.sizeBytes - first * (Number(count) - 1);
      const mayBeEqual = sizes === "likely" && last > 0 && last <= first;
      const equal = partBytes.map((_, index) => (index < Number(count) - 1 ? first : last));
      return { md5, partBytes: mayBeEqual ? equal : partBytes };
    });
  }

  async *read(
    request: ReadRequest,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { bytes } = await answer(signal, () => this.#version(request));
    const { firstByte, lastByte }: ByteRange = request.range ?? {
      firstByte: 0,
      lastByte: bytes.byteLength - 1,
    };
    for (let at = firstByte; at <= lastByte; at += this.#options.chunkBytes) {
      const end = Math.min(at + this.#options.chunkBytes, lastByte + 1);
      yield await answer(signal, () => bytes.slice(at, end));
    }
  }

  readWhole(request: WholeReadRequest, signal: AbortSignal): Promise<WholeObject> {
    return answer(signal, () => {
      const { facts, bytes } = this.#version(request);
      if (bytes.byteLength !== request.sizeBytes) throw problem("OBJECT_CORRUPT", request.key);
      return { facts, bytes: bytes.slice(), md5: md5Of(bytes) };
    });
  }

  write(request: WriteRequest, body: WholeBody, signal: AbortSignal): Promise<StoredObject> {
    return answer(signal, () => {
      if (body.bytes.byteLength > this.capabilities.singleWriteMaxBytes) {
        throw problem("OBJECT_REFUSED", request.key);
      }
      if (md5Of(body.bytes) !== body.md5) throw problem("OBJECT_CORRUPT", request.key);
      this.#admit(request);
      return this.#keep(request.key, body.bytes.slice(), request.properties, body.md5);
    });
  }

  beginUpload(request: WriteRequest, signal: AbortSignal): Promise<PartUpload> {
    return answer(signal, () => {
      this.#admit({ ...request, condition: { kind: "none" } });
      return this.#begin(request, this.#options.now());
    });
  }

  uploadPart(
    upload: PartUpload,
    { number, bytes, md5 }: { readonly number: number } & WholeBody,
    signal: AbortSignal,
  ): Promise<Part> {
    return answer(signal, () => {
      const held = this.#uploads.get(upload.token);
      if (held === undefined) throw problem("NOT_FOUND", upload.key);
      if (md5Of(bytes) !== md5) throw problem("OBJECT_CORRUPT", upload.key);
      const part = { number, sizeBytes: bytes.byteLength, receipt: md5 };
      held.parts.set(number, { part, bytes: bytes.slice() });
      return part;
    });
  }

  uploadedParts(upload: PartUpload, signal: AbortSignal): Promise<readonly Part[] | null> {
    return answer(signal, () => {
      const parts = [...(this.#uploads.get(upload.token)?.parts.values() ?? [])];
      if (parts.length === 0) return null;
      return parts.map(({ part }) => part).toSorted((a, b) => a.number - b.number);
    });
  }

  finishUpload(request: FinishRequest, signal: AbortSignal): Promise<StoredObject> {
    return answer(signal, () => {
      const held = this.#uploads.get(request.upload.token);
      if (held === undefined) throw problem("NOT_FOUND", request.key);
      const bodies = request.parts.map(({ number, receipt }, index) => {
        const stored = held.parts.get(number);
        const fits = number === index + 1 && stored?.part.receipt === receipt;
        if (!fits) throw problem("OBJECT_REFUSED", request.key);
        return stored.bytes;
      });
      this.#admit(request);
      this.#uploads.delete(request.upload.token);
      // As the clouds do: S3 keeps what it was told at the beginning, and no MD5, and dates it then; Blob
      // keeps what it is told now, unverified.
      const isBlob = this.#options.flavour === "blob";
      const { properties } = isBlob ? request : held.request;
      const md5 = isBlob ? request.md5 : null;
      const parts = { bodies, beganMs: held.beganMs };
      return this.#keep(request.key, Buffer.concat(bodies), properties, md5, parts);
    });
  }

  abortUpload(upload: PartUpload, signal: AbortSignal): Promise<void> {
    return answer(signal, () => void this.#uploads.delete(upload.token));
  }

  delete(key: string, condition: WriteCondition, signal: AbortSignal): Promise<void> {
    return answer(signal, () => {
      this.#hold(key);
      if (!this.#objects.has(key)) return;
      this.#check(key, condition);
      this.remove(key);
    });
  }

  #begin(request: WriteRequest, beganMs: number): PartUpload {
    this.#changes += 1;
    const token = `upload-${this.#changes}`;
    this.#uploads.set(token, { request, beganMs, parts: new Map() });
    return { key: request.key, token };
  }

  #page(prefix: string, after: string | null): readonly ObjectEntry[] {
    const keys = this.keys();
    let at = firstAfter(keys, after, prefix);
    const page: ObjectEntry[] = [];
    while (at < keys.length && page.length < this.#options.pageSize) {
      const key = keys[at] ?? "";
      if (!key.startsWith(prefix)) break;
      const held = this.#objects.get(key);
      if (held !== undefined) page.push(this.#listed(held.facts));
      at += 1;
    }
    return page;
  }

  #listed({ key, sizeBytes, etag, modifiedMs, md5, stamp }: ObjectFacts): ObjectEntry {
    const told = this.capabilities.listsMetadata ? stamp : null;
    const fromEtag = /^[0-9a-f]{32}$/.test(etag) ? etag : null;
    const listedMd5 = this.#options.flavour === "s3" ? fromEtag : md5;
    return { key, sizeBytes, etag, modifiedMs, md5: listedMd5, stamp: told };
  }

  #version({ key, etag }: { readonly key: string; readonly etag: string }): Held {
    this.#hold(key);
    const held = this.#objects.get(key);
    if (held === undefined) throw problem("OBJECT_GONE", key);
    if (held.facts.etag !== etag) throw problem("OBJECT_CHANGED", key);
    return held;
  }

  #admit({ key, condition }: WriteRequest): void {
    this.#hold(key);
    this.#check(key, condition);
  }

  /** Throws for a name that this side cannot hold, whatever is asked of it. */
  #hold(key: string): void {
    if (this.#options.refuses(key)) throw problem("OBJECT_NAME_REFUSED", key);
  }

  #check(key: string, condition: WriteCondition): void {
    const etag = this.#objects.get(key)?.facts.etag;
    const holds =
      condition.kind === "none" ||
      (condition.kind === "absent" ? etag === undefined : etag === condition.etag);
    if (!holds) throw problem("OBJECT_CHANGED", key);
  }

  // oxlint-disable-next-line max-params -- private, and each is a plain value
  #keep(
    key: string,
    bytes: Uint8Array,
    properties: ObjectProperties,
    md5: string | null,
    parts: { readonly bodies: readonly Uint8Array[]; readonly beganMs: number } | null = null,
  ): ObjectFacts {
    this.#changes += 1;
    const isS3 = this.#options.flavour === "s3";
    const etagOfS3 = parts === null ? md5Of(bytes) : etagOfParts(parts.bodies);
    const facts = {
      key,
      sizeBytes: bytes.byteLength,
      etag: isS3 ? etagOfS3 : `0x8D${this.#changes}`,
      modifiedMs: isS3 && parts !== null ? parts.beganMs : this.#options.now(),
      md5,
      stamp: properties.stamp,
      properties: this.capabilities.tags ? properties : { ...properties, tags: {} },
    };
    if (!this.#objects.has(key)) this.#sorted = null;
    const partBytes = parts?.bodies.map(({ byteLength }) => byteLength) ?? null;
    this.#objects.set(key, { facts, bytes, partBytes });
    return facts;
  }
}

/** As S3 makes it. */
function etagOfParts(parts: readonly Uint8Array[]): string {
  const md5s = parts.map((bytes) => Buffer.from(md5Of(bytes), "hex"));
  return `${md5Of(Buffer.concat(md5s))}-${parts.length}`;
}

function firstAfter(keys: readonly string[], after: string | null, prefix: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle] ?? "";
    const isBefore =
      compareKeys(key, prefix) < 0 || (after !== null && compareKeys(key, after) <= 0);
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return low;
}

function md5Of(bytes: Uint8Array): string {
  return hash("md5", bytes, "hex");
}

/** Gives others a turn, as a network would, then answers. */
async function answer<T>(signal: AbortSignal, work: () => T): Promise<T> {
  await Promise.resolve();
  if (signal.aborted) {
    throw new CloudPhoenixError("ABORTED", "it was told to stop", { retryable: true });
  }
  return work();
}

function problem(
  code:
    | "OBJECT_GONE"
    | "OBJECT_CHANGED"
    | "OBJECT_CORRUPT"
    | "OBJECT_NAME_REFUSED"
    | "OBJECT_REFUSED"
    | "NOT_FOUND",
  key: string,
): CloudPhoenixError {
  const retryable = code === "OBJECT_CORRUPT";
  return new CloudPhoenixError(code, `${key}: ${code.toLowerCase().replaceAll("_", " ")}`, {
    retryable,
    hint: "Look at what the test did.",
  });
}

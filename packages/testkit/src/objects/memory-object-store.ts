/**
 * A bucket or container in memory that keeps the port's promises and answers at once.
 *
 * Speaks like S3 (ETag is the MD5, listings without metadata) or like Blob (ETag counts, listings with
 * metadata and MD5). Faults are not its business: `FaultyObjectStore` goes around it.
 */
import {
  type ByteRange,
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
import { HeldObjects } from "./held-objects.ts";
import { HeldUploads } from "./held-uploads.ts";
import { answer, md5Of, problem } from "./memory-answer.ts";

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
  readonly #options: Required<
    Pick<MemoryObjectStoreOptions, "flavour" | "pageSize" | "chunkBytes" | "now">
  >;
  readonly #objects: HeldObjects;
  readonly #uploads: HeldUploads;

  constructor(options: MemoryObjectStoreOptions = {}) {
    const { flavour = "s3", pageSize = 1_000, chunkBytes = 65_536 } = options;
    const changes = { count: 0 };
    const { now = () => changes.count, refuses = () => false } = options;
    this.#options = { flavour, pageSize, chunkBytes, now };
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
    const { listsMetadata, tags } = this.capabilities;
    this.#objects = new HeldObjects({ flavour, listsMetadata, tags, now, refuses }, changes);
    this.#uploads = new HeldUploads(changes);
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
    return this.#objects.keep(key, {
      bytes,
      properties: { ...NO_PROPERTIES, ...properties },
      md5: md5Of(bytes),
    });
  }

  /**
   * Stores an object that KMS encrypts, in a bucket that as a rule does not (S3 only): its ETag looks like an MD5 and
   * is none, which `head` and reads tell and listings do not.
   */
  putUnderKms(key: string, content: string | Uint8Array): ObjectFacts {
    const plain = this.put(key, content);
    const facts = { ...plain, etag: md5Of(Buffer.from(`kms ${plain.etag}`)), md5: null };
    this.#objects.restate(facts);
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
    const upload = this.#uploads.begin(request, beganMs);
    const parts = await Promise.all(
      bodies.map((bytes, index) =>
        this.uploadPart(upload, { number: index + 1, bytes, md5: md5Of(bytes) }, signal),
      ),
    );
    const md5 = md5Of(Buffer.concat(bodies));
    const { etag } = await this.finishUpload({ ...request, upload, parts, md5 }, signal);
    return this.#objects.version({ key, etag }).facts;
  }

  /** Removes an object as an application would. */
  remove(key: string): void {
    this.#objects.remove(key);
  }

  /** The content under a key, for a test to look at. */
  bytesOf(key: string): Buffer | null {
    const held = this.#objects.get(key);
    return held === null ? null : Buffer.from(held.bytes);
  }

  /** Keys in the order of listings. */
  keys(): readonly string[] {
    return this.#objects.keys();
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
      const page = await answer(signal, () =>
        this.#objects.page(prefix, last, this.#options.pageSize),
      );
      if (page.length > 0) yield page;
      if (page.length < this.#options.pageSize) return;
      last = page.at(-1)?.key ?? null;
    }
  }

  head(key: string, signal: AbortSignal): Promise<ObjectFacts | null> {
    return answer(signal, () => {
      this.#objects.admitName(key);
      return this.#objects.get(key)?.facts ?? null;
    });
  }

  hashOfParts(
    version: Pick<ObjectEntry, "key" | "etag">,
    sizes: "likely" | "each",
    signal: AbortSignal,
  ): Promise<HashOfParts | null> {
    return answer(signal, () => {
      const { partBytes, facts } = this.#objects.version(version);
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
    const { bytes } = await answer(signal, () => this.#objects.version(request));
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
      const { facts, bytes } = this.#objects.version(request);
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
      this.#objects.admit(request);
      const { key, properties } = request;
      return this.#objects.keep(key, { bytes: body.bytes.slice(), properties, md5: body.md5 });
    });
  }

  beginUpload(request: WriteRequest, signal: AbortSignal): Promise<PartUpload> {
    return answer(signal, () => {
      this.#objects.admit({ ...request, condition: { kind: "none" } });
      return this.#uploads.begin(request, this.#options.now());
    });
  }

  uploadPart(
    upload: PartUpload,
    body: { readonly number: number } & WholeBody,
    signal: AbortSignal,
  ): Promise<Part> {
    return answer(signal, () => this.#uploads.keep(upload, body));
  }

  uploadedParts(upload: PartUpload, signal: AbortSignal): Promise<readonly Part[] | null> {
    return answer(signal, () => this.#uploads.partsOf(upload));
  }

  finishUpload(request: FinishRequest, signal: AbortSignal): Promise<StoredObject> {
    return answer(signal, () => {
      const { begun, beganMs, bodies } = this.#uploads.assembled(request);
      this.#objects.admit(request);
      this.#uploads.end(request.upload);
      // As the clouds do: S3 keeps what it was told at the beginning, and no MD5, and dates it then; Blob
      // keeps what it is told now, unverified.
      const isBlob = this.#options.flavour === "blob";
      return this.#objects.keep(request.key, {
        bytes: Buffer.concat(bodies),
        properties: isBlob ? request.properties : begun.properties,
        md5: isBlob ? request.md5 : null,
        parts: { bodies, beganMs },
      });
    });
  }

  abortUpload(upload: PartUpload, signal: AbortSignal): Promise<void> {
    return answer(signal, () => this.#uploads.end(upload));
  }

  delete(key: string, condition: WriteCondition, signal: AbortSignal): Promise<void> {
    return answer(signal, () => {
      this.#objects.admitName(key);
      if (this.#objects.get(key) === null) return;
      this.#objects.check(key, condition);
      this.remove(key);
    });
  }
}

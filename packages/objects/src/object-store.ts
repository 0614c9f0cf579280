/**
 * One bucket or container, seen through one port.
 *
 * Owns: the words both clouds are spoken about in. Adapters translate; they decide nothing.
 * A store is read and written by key; keys are compared as UTF-8 bytes, as S3 and Blob list them.
 *
 * Promises of every implementation (checked by the contract suite):
 * 1. What `read` hands out is what was stored: a body that ends early, or whose hash the store
 *    knows and which differs, fails the stream with `OBJECT_CORRUPT`; it never just ends.
 * 2. What `write` and `finishUpload` report as stored has the MD5 the caller named, or is said to be other bytes.
 * 3. A listing is complete or it fails. It never ends early without an error.
 * 4. Every call ends when its signal aborts, also when the other side hangs.
 */

import type { SecretUrl } from "./wire/secret-url.ts";

/** What the store can do beyond the common ground. */
export interface ObjectStoreCapabilities {
  /** The listing carries the metadata, so `ObjectEntry.stamp` needs no second request. */
  readonly listsMetadata: boolean;
  /** Deleted and overwritten objects can be brought back (versioning or soft delete is on). Told by `inspect`; false before. */
  readonly keepsDeleted: boolean;
  /** Tags are stored and read back. */
  readonly tags: boolean;
  /** Objects may have tags that these rights do not show. Told by `inspect`; false before. */
  readonly tagsHidden: boolean;
  /** Largest body `write` takes; larger ones go up in parts. */
  readonly singleWriteMaxBytes: number;
  readonly partMinBytes: number;
  readonly partMaxBytes: number;
  readonly partsMax: number;
  readonly objectMaxBytes: number;
  /** What `copyFromUrl` takes; null: the store reads no URLs. */
  readonly urlCopy: UrlCopyLimits | null;
}

export interface UrlCopyLimits {
  readonly maxBytes: number;
  readonly urlMaxCharacters: number;
}

/** One object as a listing shows it. */
export interface ObjectEntry {
  readonly key: string;
  readonly sizeBytes: number;
  /** Changes with every change of the content. Opaque, without quotes. */
  readonly etag: string;
  /** When the store took the current content or metadata, by its own clock; epoch ms. */
  readonly modifiedMs: number;
  /**
   * MD5 of the whole content in hexadecimal, if the store tells it. In a listing of S3 it is the ETag: null where
   * the bucket encrypts with KMS, and wrong for a single object that does so in another bucket; `head` tells.
   */
  readonly md5: string | null;
  /** The stamp a copy left here (see `ObjectProperties.stamp`); null if none, or if listings do not tell. */
  readonly stamp: string | null;
}

/** What belongs to an object besides its bytes. */
export interface ObjectProperties {
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
  readonly contentDisposition: string | null;
  readonly contentLanguage: string | null;
  readonly cacheControl: string | null;
  /** Names in lower case. Adapters map names that are illegal on their side reversibly. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Empty where `capabilities.tags` is false. */
  readonly tags: Readonly<Record<string, string>>;
  /** What the copier noted about the source's version; kept apart from `metadata`. */
  readonly stamp: string | null;
}

/** One object asked for by name. */
export interface ObjectFacts extends ObjectEntry {
  readonly properties: ObjectProperties;
}

/** A hash of content that was stored in parts: the MD5 of its parts' MD5s, in order. */
export interface HashOfParts {
  /** Hexadecimal. */
  readonly md5: string;
  /** Bytes of each part, in order; together the size of the object. */
  readonly partBytes: readonly number[];
}

/** First and last byte, both included, counted from 0. */
export interface ByteRange {
  readonly firstByte: number;
  readonly lastByte: number;
}

export interface ReadRequest {
  readonly key: string;
  /** The version that is meant: another one fails with `OBJECT_CHANGED`. */
  readonly etag: string;
  /** The whole object if absent. */
  readonly range?: ByteRange;
}

/** Asks for a whole object of a size that fits into memory. */
export interface WholeReadRequest {
  readonly key: string;
  /** The version that is meant: another one fails with `OBJECT_CHANGED`. */
  readonly etag: string;
  /** What the listing said; another length fails with `OBJECT_CORRUPT`. Bounds the memory used. */
  readonly sizeBytes: number;
}

/** What must be true of the target for a write or delete to happen; checked by the store itself. */
export type WriteCondition =
  | { readonly kind: "none" }
  /** Nothing is stored under the key. */
  | { readonly kind: "absent" }
  | { readonly kind: "unchanged"; readonly etag: string };

export interface WriteRequest {
  readonly key: string;
  readonly properties: ObjectProperties;
  readonly condition: WriteCondition;
}

/** A whole body in memory, at most `singleWriteMaxBytes`. */
export interface WholeBody {
  readonly bytes: Uint8Array;
  /** Hexadecimal; sent along, stored where the store keeps one, and checked by it. */
  readonly md5: string;
}

/** One version of an object: its bytes and what belongs to it, from one answer of the store. */
export interface WholeObject extends WholeBody {
  readonly facts: ObjectFacts;
}

/** What the store says it has now. */
export interface StoredObject {
  readonly etag: string;
  readonly sizeBytes: number;
  /** Its hash shows that it is not what was sent; whoever sent it takes it back. */
  readonly isOther?: true;
}

/** An object elsewhere, as a store is told to read it. */
export interface UrlSource {
  readonly url: SecretUrl;
  /** Hexadecimal, of the whole content; other bytes are not stored. */
  readonly md5: string;
  readonly sizeBytes: number;
  /** How long the URL opens anything, and the longest the answer is waited for. */
  readonly validMs: number;
}

/** What became of a write whose bytes the store had to fetch itself. */
export type UrlCopyOutcome =
  | { readonly kind: "stored"; readonly stored: StoredObject }
  /** The URL gave bytes with another MD5; nothing is stored. */
  | { readonly kind: "otherBytes" }
  /** The store cannot, or may not, read the URL; nothing is stored. Never holds the URL. */
  | { readonly kind: "unreadable"; readonly because: string };

/** An upload in parts that can be gone on with after a crash. Plain data. */
export interface PartUpload {
  readonly key: string;
  /** Opaque, given by the store. */
  readonly token: string;
}

export interface Part {
  /** From 1. */
  readonly number: number;
  readonly sizeBytes: number;
  /** Opaque, given by the store. */
  readonly receipt: string;
}

export interface FinishRequest extends WriteRequest {
  readonly upload: PartUpload;
  /** All parts in ascending order without holes. */
  readonly parts: readonly Part[];
  /** MD5 of the whole content in hexadecimal; stored where the store keeps one. */
  readonly md5: string;
}

export interface ListRequest {
  readonly prefix: string;
  /** Only keys after this one. */
  readonly after?: string;
}

/** What is wrong with a store before anything is copied, in the operator's words. */
export interface StoreFinding {
  readonly severity: "refuse" | "warn";
  /** Matters where objects are read from. Absent: where they are written to. */
  readonly asSource?: true;
  readonly message: string;
  readonly hint: string;
}

/**
 * The port. Errors of every call: `OBJECT_STORE_UNREACHABLE` (retryable: no answer, throttled, 5xx),
 * `OBJECT_STORE_DENIED`, `NOT_FOUND` (the bucket), `ABORTED`, `OBJECT_REFUSED`; and of every call with a
 * key: `OBJECT_NAME_REFUSED` if this side cannot hold such a key. More where said.
 */
export interface ObjectStore {
  /** For people: `s3://receipts`, `azblob://account/receipts`. Never holds a credential. */
  readonly address: string;
  readonly capabilities: ObjectStoreCapabilities;

  /** Whether the store can be used and is set up as a target or source should be. */
  inspect(signal: AbortSignal): Promise<readonly StoreFinding[]>;

  /** Pages in ascending order of the keys' UTF-8 bytes. Order is the store's word: callers check it. */
  list(request: ListRequest, signal: AbortSignal): AsyncIterable<readonly ObjectEntry[]>;

  /** Null if nothing is stored under the key. */
  head(key: string, signal: AbortSignal): Promise<ObjectFacts | null>;

  /**
   * What a store that tells no MD5 of an object can tell of its content instead; null if nothing. With `likely`, a
   * few questions: parts that may well be equal are taken to be. With `each`, every part is asked for.
   * Absent: the store tells an MD5, or nothing.
   * @throws {CloudPhoenixError} `OBJECT_GONE`, `OBJECT_CHANGED`
   */
  hashOfParts?(
    version: Pick<ObjectEntry, "key" | "etag" | "sizeBytes">,
    sizes: "likely" | "each",
    signal: AbortSignal,
  ): Promise<HashOfParts | null>;

  /** @throws {CloudPhoenixError} `OBJECT_GONE`, `OBJECT_CHANGED`, `OBJECT_CORRUPT` (also while it is read) */
  read(request: ReadRequest, signal: AbortSignal): AsyncIterable<Uint8Array>;

  /**
   * A small object with its properties in one request; `md5` is computed from the bytes received.
   * @throws {CloudPhoenixError} as `read`
   */
  readWhole(request: WholeReadRequest, signal: AbortSignal): Promise<WholeObject>;

  /** @throws {CloudPhoenixError} `OBJECT_CHANGED` (condition), `OBJECT_NAME_REFUSED`, `OBJECT_CORRUPT` */
  write(request: WriteRequest, body: WholeBody, signal: AbortSignal): Promise<StoredObject>;

  beginUpload(request: WriteRequest, signal: AbortSignal): Promise<PartUpload>;
  /** Storing a number again replaces it. */
  uploadPart(
    upload: PartUpload,
    part: { readonly number: number } & WholeBody,
    signal: AbortSignal,
  ): Promise<Part>;
  /** Parts the store holds; null if it does not know the upload (any more), or has no part of it. */
  uploadedParts(upload: PartUpload, signal: AbortSignal): Promise<readonly Part[] | null>;
  /** @throws {CloudPhoenixError} `OBJECT_CHANGED` (condition), `NOT_FOUND` (the upload) */
  finishUpload(request: FinishRequest, signal: AbortSignal): Promise<StoredObject>;
  /** Gives back the space: S3 at once, Blob within a week. An unknown upload is success. */
  abortUpload(upload: PartUpload, signal: AbortSignal): Promise<void>;

  /** Deleting nothing is success. @throws {CloudPhoenixError} `OBJECT_CHANGED` (condition) */
  delete(key: string, condition: WriteCondition, signal: AbortSignal): Promise<void>;

  /**
   * Opens one object to whoever holds the URL, for `validMs`. Asks nobody: a key without an object gets one, too.
   * Absent: the store gives out no URLs.
   */
  readUrl?(key: string, validMs: number, signal: AbortSignal): Promise<SecretUrl>;

  /**
   * As `write`, of bytes that the store reads itself and compares with the MD5 before it keeps any.
   * There if and only if `capabilities.urlCopy` is.
   * @throws {CloudPhoenixError} as `write`
   */
  copyFromUrl?(
    request: WriteRequest,
    source: UrlSource,
    signal: AbortSignal,
  ): Promise<UrlCopyOutcome>;
}

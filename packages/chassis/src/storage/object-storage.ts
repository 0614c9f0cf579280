/**
 * Objects of a service in a bucket or container, through one port for S3 and Azure Blob Storage.
 *
 * 1. Every call ends: at its deadline, whatever the store does.
 * 2. Putting is safe to repeat. With the condition `absent`, a put that finds exactly its own bytes
 *    is success; one that finds others changes nothing and says so.
 * 3. What `get` hands out is what was put: the bytes are checked against their SHA-256.
 */
import type { Deadline } from "../resilience/deadline.ts";

/** What to store. */
export interface PutRequest {
  /** 1 to 512 bytes, no leading slash, no empty or dotted part, no control characters. */
  readonly key: string;
  readonly body: Uint8Array;
  readonly contentType: string;
  /** `absent`: only if nothing else is stored there. Default `any`: whatever is there is replaced. */
  readonly condition?: "absent" | "any";
}

/** What the store acknowledged. */
export interface PutAnswer {
  /** `already-there`: exactly these bytes were found. Only with the condition `absent`. */
  readonly outcome: "stored" | "already-there";
  /** The store's own name of the version, without quotes. */
  readonly etag: string;
}

/** What is known of an object without its content. */
export interface ObjectFacts {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly contentType: string | null;
  /** In hexadecimal, as whoever put it said; null if that was somebody else's program. */
  readonly sha256: string | null;
}

/** An object and its content. */
export interface StoredObject extends ObjectFacts {
  readonly body: Uint8Array;
}

/** What one use of the store may ask for. */
export interface StorageUse {
  /** Default: the limit of the storage, see `GuardedStorageOptions.callTimeoutMs`. */
  readonly deadline?: Deadline;
}

/**
 * The port. Every method may throw {StorageError} `STORAGE_UNAVAILABLE`, `STORAGE_TIMEOUT` or
 * `STORAGE_REFUSED`, {SaturatedError} if too many calls wait, {DeadlineExceededError} if there was
 * no time to begin; {ValidationError} for a key that cannot be one.
 */
export interface ObjectStorage {
  /** For people: `s3://receipts`, `azblob://account/receipts`. Never holds a credential. */
  readonly address: string;
  /** @throws {StorageError} `OBJECT_EXISTS`, `OBJECT_TOO_LARGE` */
  put(request: PutRequest, use?: StorageUse): Promise<PutAnswer>;
  /** Null if there is none. @throws {StorageError} `OBJECT_TOO_LARGE`, `OBJECT_DAMAGED` */
  get(key: string, use?: StorageUse): Promise<StoredObject | null>;
  /** Null if there is none. */
  head(key: string, use?: StorageUse): Promise<ObjectFacts | null>;
  /** Deleting nothing is success. */
  delete(key: string, use?: StorageUse): Promise<void>;
  /** Resolves if the store can be used now. Goes past the circuit breaker: it asks the store itself. */
  check(signal: AbortSignal): Promise<void>;
  /** Lets go of the connections. */
  close(): Promise<void>;
}

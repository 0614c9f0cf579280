/** What is different between the stores; `GuardedStorage` adds what is the same. */
import type { ObjectFacts, PutRequest, StoredObject } from "./object-storage.ts";

/** A put as a driver gets it: checked, and with the hash of its bytes. */
export interface DriverPut extends Required<PutRequest> {
  /** In hexadecimal; stored with the object. */
  readonly sha256: string;
}

/**
 * One store by its own client, whose retries are off. A method ends when its signal aborts, and
 * throws nothing but {StorageError}.
 */
export interface StorageDriver {
  /** The etag. @throws {StorageError} `OBJECT_EXISTS` if the condition does not hold */
  put(request: DriverPut, signal: AbortSignal): Promise<string>;
  /** @throws {StorageError} `OBJECT_TOO_LARGE` if there are more than `maxBytes` */
  get(key: string, maxBytes: number, signal: AbortSignal): Promise<StoredObject | null>;
  head(key: string, signal: AbortSignal): Promise<ObjectFacts | null>;
  delete(key: string, signal: AbortSignal): Promise<void>;
  /** Whether the bucket or container answers. */
  check(signal: AbortSignal): Promise<void>;
  /** Lets go of the connections. */
  close(): Promise<void>;
}

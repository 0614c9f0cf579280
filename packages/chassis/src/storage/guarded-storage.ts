/**
 * A store's driver with everything around it that a service needs: limits, retries with back-off
 * inside a deadline, circuit breaker, bulkhead, metrics, traces, and bytes that are checked.
 */
import { createHash } from "node:crypto";
import { DependencyError, DependencyTimeoutError, ValidationError } from "../errors/failures.ts";
import { ServiceError } from "../errors/service-error.ts";
import { Deadline } from "../resilience/deadline.ts";
import { type CallOutcome, type CircuitName, Dependency } from "../resilience/dependency.ts";
import type {
  ObjectFacts,
  ObjectStorage,
  PutAnswer,
  PutRequest,
  StorageUse,
  StoredObject,
} from "./object-storage.ts";
import type { DriverPut, StorageDriver } from "./storage-driver.ts";
import {
  isObjectExists,
  objectDamaged,
  objectTooLarge,
  storageFailure,
  storageNotAsked,
  storageTimeout,
} from "./storage-failure.ts";
import { storageSpan } from "./storage-span.ts";

/** How the store is treated. */
export interface GuardedStorageOptions {
  /** For people, without credentials. */
  readonly address: string;
  /** Limit of one attempt. Default 1 s: longer than an honest small object takes. */
  readonly attemptTimeoutMs?: number;
  /** Limit of a call whose caller gives no deadline, its attempts and waits in all. Default 4 s. */
  readonly callTimeoutMs?: number;
  /** Largest object, both ways. Default 4 MiB: it is held in memory. */
  readonly maxBytes?: number;
  /** Calls at once. Default 32; as many again may wait. */
  readonly concurrency?: number;
  /** Called once per attempt, for metrics. */
  readonly onCall?: (outcome: CallOutcome, seconds: number) => void;
}

const MAX_BYTES = 4 * 1024 * 1024;

export class GuardedStorage implements ObjectStorage {
  readonly address: string;
  readonly #driver: StorageDriver;
  readonly #options: GuardedStorageOptions;
  readonly #maxBytes: number;
  readonly #way: Dependency;

  constructor(driver: StorageDriver, options: GuardedStorageOptions) {
    this.address = options.address;
    this.#driver = driver;
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
    this.#way = new Dependency({
      name: "storage",
      timeoutMs: options.attemptTimeoutMs ?? 1_000,
      concurrency: options.concurrency ?? 32,
      ...(options.onCall !== undefined && { onCall: options.onCall }),
    });
  }

  get circuit(): CircuitName {
    return this.#way.state.circuit;
  }

  async put(request: PutRequest, use?: StorageUse): Promise<PutAnswer> {
    requireKey(request.key);
    if (request.body.byteLength > this.#maxBytes) throw objectTooLarge(this.#maxBytes);
    const put: DriverPut = { condition: "any", ...request, sha256: sha256Of(request.body) };
    return this.#call("put", use, async (signal) => {
      try {
        return { outcome: "stored", etag: await this.#driver.put(put, signal) };
      } catch (error) {
        if (!isObjectExists(error)) throw error;
        return { outcome: "already-there", etag: await this.#sameAlready(put, error, signal) };
      }
    });
  }

  async get(key: string, use?: StorageUse): Promise<StoredObject | null> {
    requireKey(key);
    const ask = (repeated: boolean): Promise<StoredObject | null> =>
      this.#call("get", use, (signal) => this.#driver.get(key, this.#maxBytes, signal), repeated);
    // Once more, in case it was hurt on the way. Judged outside the circuit breaker: one object
    // that is damaged in the store says nothing of the others.
    const first = await ask(true);
    if (isAsPut(first)) return first;
    const second = await ask(false);
    if (isAsPut(second)) return second;
    throw objectDamaged();
  }

  async head(key: string, use?: StorageUse): Promise<ObjectFacts | null> {
    requireKey(key);
    return this.#call("head", use, (signal) => this.#driver.head(key, signal));
  }

  async delete(key: string, use?: StorageUse): Promise<void> {
    requireKey(key);
    return this.#call("delete", use, (signal) => this.#driver.delete(key, signal));
  }

  check(signal: AbortSignal): Promise<void> {
    return this.#driver.check(signal);
  }

  close(): Promise<void> {
    return this.#driver.close();
  }

  /** Its etag, if what is there are these bytes; `exists` is thrown if not. */
  async #sameAlready(put: DriverPut, exists: unknown, signal: AbortSignal): Promise<string> {
    const there = await this.#driver.head(put.key, signal);
    // Deleted since: the next attempt finds the place free.
    if (there === null) throw storageFailure({ status: null, code: null }, exists);
    if (there.sizeBytes !== put.body.byteLength) throw exists;
    if (there.sha256 === put.sha256) return there.etag;
    if (there.sha256 !== null) throw exists;
    // A program that keeps no hash has put or copied it.
    const object = await this.#driver.get(put.key, this.#maxBytes, signal);
    if (object === null || sha256Of(object.body) !== put.sha256) throw exists;
    return object.etag;
  }

  /** Everything here may be repeated: see the promises of the port. @param repeated - whether it is */
  async #call<T>(
    operation: string,
    use: StorageUse | undefined,
    work: (signal: AbortSignal) => Promise<T>,
    repeated = true,
  ): Promise<T> {
    const own =
      use?.deadline === undefined ? Deadline.after(this.#options.callTimeoutMs ?? 4_000) : null;
    const deadline = use?.deadline ?? own;
    const options = { idempotent: repeated, ...(deadline !== null && { deadline }) };
    try {
      return await storageSpan(operation, this.address, () => this.#way.call(work, options));
    } catch (error) {
      throw inWordsOfStorage(error);
    } finally {
      own?.release();
    }
  }
}

function inWordsOfStorage(error: unknown): unknown {
  if (error instanceof DependencyTimeoutError) return storageTimeout(error);
  if (error instanceof DependencyError) return storageNotAsked(error);
  // Anything unplanned is a failure of the store, too, as far as callers can act on it.
  return error instanceof ServiceError
    ? error
    : storageFailure({ status: null, code: null }, error);
}

const CONTROL = /\p{Cc}/u;

/** Keys that mean the same everywhere: in both stores, in URLs, in the tools people use on them. */
function requireKey(key: string): void {
  const parts = key.split("/");
  const bytes = Buffer.byteLength(key);
  const fine =
    bytes >= 1 &&
    bytes <= 512 &&
    key.isWellFormed() &&
    !CONTROL.test(key) &&
    !key.includes("\\") &&
    !parts.some((part) => part === "" || part === "." || part === "..");
  if (!fine) throw new ValidationError("This cannot be the name of an object.");
}

/** One without a hash cannot be judged. */
function isAsPut(object: StoredObject | null): boolean {
  return object?.sha256 == null || sha256Of(object.body) === object.sha256;
}

function sha256Of(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}

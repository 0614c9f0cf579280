/** Azure Blob Storage by Azure's client; loaded when it is first used. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type {
  BlobDownloadResponseParsed,
  BlobGetPropertiesResponse,
  ContainerClient,
} from "@azure/storage-blob";
import type { TokenCredential } from "@azure/identity";
import { StorageError } from "../errors/failures.ts";
import { loadOnce } from "../resilience/load-once.ts";
import type { ObjectFacts, StoredObject } from "./object-storage.ts";
import { readBody } from "./read-body.ts";
import type { StaticKey } from "./static-key.ts";
import type { StorageAddress } from "./storage-address.ts";
import type { DriverPut, StorageDriver } from "./storage-driver.ts";
import {
  objectExists,
  objectTooLarge,
  storageFailure,
  type StoreAnswer,
} from "./storage-failure.ts";

type BlobAddress = Extract<StorageAddress, { kind: "azblob" }>;

/** Who the service is: a key, or an identity that is asked for at the first use. */
export type BlobCredential = StaticKey | (() => Promise<TokenCredential>);

export class BlobDriver implements StorageDriver {
  readonly #credential: BlobCredential;
  readonly #client: () => Promise<ContainerClient>;

  constructor(address: BlobAddress, credential: BlobCredential) {
    this.#credential = credential;
    this.#client = clientSource(address, credential);
  }

  put(request: DriverPut, abortSignal: AbortSignal): Promise<string> {
    const { key, body, contentType, condition, sha256 } = request;
    return this.#ask(async (container) => {
      const md5 = createHash("md5").update(body).digest();
      const answer = await container.getBlockBlobClient(key).upload(body, body.byteLength, {
        abortSignal,
        blobHTTPHeaders: { blobContentType: contentType, blobContentMD5: md5 },
        metadata: { sha256 },
        ...(condition === "absent" && { conditions: { ifNoneMatch: "*" } }),
      });
      // The service's own sum over what arrived.
      if (answer.contentMD5 !== undefined && !md5.equals(answer.contentMD5)) {
        throw storageFailure({ status: 400, code: "Md5Mismatch" }, null);
      }
      return unquoted(answer.etag);
    });
  }

  head(key: string, abortSignal: AbortSignal): Promise<ObjectFacts | null> {
    return this.#find(async (container) =>
      factsOf(key, await container.getBlobClient(key).getProperties({ abortSignal })),
    );
  }

  get(key: string, maxBytes: number, abortSignal: AbortSignal): Promise<StoredObject | null> {
    return this.#find(async (container) => {
      // The client's own way of going on after a broken download would not know our limits.
      const options = { abortSignal, maxRetryRequests: 0 };
      const answer = await container.getBlobClient(key).download(0, undefined, options);
      const stream = answer.readableStreamBody;
      if (!(stream instanceof Readable)) throw new Error("a blob without a body");
      if ((answer.contentLength ?? 0) > maxBytes) {
        stream.destroy();
        throw objectTooLarge(maxBytes);
      }
      const body = await readBody(stream, maxBytes, abortSignal);
      return { ...factsOf(key, answer), sizeBytes: body.byteLength, body };
    });
  }

  async delete(key: string, abortSignal: AbortSignal): Promise<void> {
    await this.#find((container) => container.getBlobClient(key).delete({ abortSignal }));
  }

  async check(abortSignal: AbortSignal): Promise<void> {
    await this.#ask((container) => container.getProperties({ abortSignal }));
  }

  /** Idle connections of this client hold nothing open; it has nothing else to let go of. */
  async close(): Promise<void> {
    await Promise.resolve();
  }

  /** Null if there is no such object. */
  #find<T>(work: (container: ContainerClient) => Promise<T>): Promise<T | null> {
    return this.#ask(async (container) => {
      try {
        return await work(container);
      } catch (error) {
        const { status, code } = answerOf(error);
        // A missing container is a 404, too, and no reason to say that there is no such object.
        if (status === 404 && code !== "ContainerNotFound") return null;
        throw error;
      }
    });
  }

  /** Loads, asks, and makes a planned failure of what goes wrong. */
  async #ask<T>(work: (container: ContainerClient) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#client());
    } catch (error) {
      if (error instanceof StorageError) throw error;
      const failure = failureOf(error);
      if (failure.code === "STORAGE_REFUSED" && typeof this.#credential !== "function") {
        this.#credential.secret.invalidate();
      }
      throw failure;
    }
  }
}

/** The client for the credential as it is now: a rotated key makes a new one. */
function clientSource(
  address: BlobAddress,
  credential: BlobCredential,
): () => Promise<ContainerClient> {
  const options = { retryOptions: { maxTries: 1 } };
  const url = containerUrl(address);
  const sdk = loadOnce(() => import("@azure/storage-blob"));
  if (typeof credential === "function") {
    return loadOnce(async () => {
      const { ContainerClient } = await sdk();
      return new ContainerClient(url, await credential(), options);
    });
  }
  let made: { readonly secret: string; readonly client: ContainerClient } | null = null;
  return async () => {
    const { ContainerClient, StorageSharedKeyCredential } = await sdk();
    const secret = await credential.secret.value();
    if (made?.secret !== secret) {
      const shared = new StorageSharedKeyCredential(credential.id, secret);
      made = { secret, client: new ContainerClient(url, shared, options) };
    }
    return made.client;
  };
}

function containerUrl({ account, container, endpoint }: BlobAddress): string {
  const base =
    endpoint === null ? `https://${account}.blob.core.windows.net` : `${endpoint}/${account}`;
  return `${base}/${container}`;
}

function failureOf(error: unknown): StorageError {
  const answer = answerOf(error);
  const exists = answer.status === 412 || answer.code === "BlobAlreadyExists";
  return exists ? objectExists(error) : storageFailure(answer, error);
}

function answerOf(error: unknown): StoreAnswer {
  if (!(error instanceof Error)) return { status: null, code: null };
  const status = "statusCode" in error ? error.statusCode : null;
  const code = "code" in error ? error.code : null;
  return {
    status: typeof status === "number" ? status : null,
    code: typeof code === "string" ? code : null,
  };
}

function factsOf(
  key: string,
  answer: BlobGetPropertiesResponse | BlobDownloadResponseParsed,
): ObjectFacts {
  return {
    key,
    sizeBytes: answer.contentLength ?? 0,
    etag: unquoted(answer.etag),
    contentType: answer.contentType ?? null,
    sha256: answer.metadata?.["sha256"] ?? null,
  };
}

function unquoted(etag: string | undefined): string {
  return (etag ?? "").replaceAll('"', "");
}

/** Amazon S3, and whatever speaks its protocol, by Amazon's client; loaded when it is first used. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { GetObjectCommandOutput, HeadObjectCommandOutput, S3Client } from "@aws-sdk/client-s3";
import { StorageError } from "../errors/failures.ts";
import { loadOnce } from "../resilience/load-once.ts";
import type { AwsCredential } from "../secrets/cloud-credentials.ts";
import type { ObjectFacts, StoredObject } from "./object-storage.ts";
import { readBody } from "./read-body.ts";
import type { StorageAddress } from "./storage-address.ts";
import type { DriverPut, StorageDriver } from "./storage-driver.ts";
import {
  objectExists,
  objectTooLarge,
  storageFailure,
  type StoreAnswer,
} from "./storage-failure.ts";
import type { StaticKey } from "./static-key.ts";

/** Who the service is: a key, or a role that is asked for at the first use; null: the SDK's chain. */
export type S3Credential = StaticKey | (() => Promise<AwsCredential | null>);

type S3Address = Extract<StorageAddress, { kind: "s3" }>;
type Sdk = typeof import("@aws-sdk/client-s3");

interface Loaded {
  readonly sdk: Sdk;
  readonly client: S3Client;
}

export class S3Driver implements StorageDriver {
  readonly #bucket: string;
  readonly #key: StaticKey | null;
  readonly #loading: () => Promise<Loaded>;
  #loaded: Loaded | null = null;

  constructor(address: S3Address, credential: S3Credential) {
    this.#bucket = address.bucket;
    this.#key = typeof credential === "function" ? null : credential;
    this.#loading = loadOnce(async () => {
      const sdk = await import("@aws-sdk/client-s3");
      const role = typeof credential === "function" ? await credential() : null;
      this.#loaded = { sdk, client: clientOf(sdk, address, this.#key, role) };
      return this.#loaded;
    });
  }

  put(request: DriverPut, abortSignal: AbortSignal): Promise<string> {
    const { body, condition, sha256 } = request;
    return this.#ask(async ({ sdk, client }) => {
      const command = new sdk.PutObjectCommand({
        ...this.#at(request.key),
        Body: body,
        ContentType: request.contentType,
        // Checked by the store before it acknowledges.
        ContentMD5: createHash("md5").update(body).digest("base64"),
        Metadata: { sha256 },
        ...(condition === "absent" && { IfNoneMatch: "*" }),
      });
      const answer = await client.send(command, { abortSignal });
      return unquoted(answer.ETag);
    });
  }

  head(key: string, abortSignal: AbortSignal): Promise<ObjectFacts | null> {
    return this.#find(async ({ sdk, client }) => {
      const command = new sdk.HeadObjectCommand(this.#at(key));
      return factsOf(key, await client.send(command, { abortSignal }));
    });
  }

  get(key: string, maxBytes: number, abortSignal: AbortSignal): Promise<StoredObject | null> {
    return this.#find(async ({ sdk, client }) => {
      const answer = await client.send(new sdk.GetObjectCommand(this.#at(key)), { abortSignal });
      if (!(answer.Body instanceof Readable)) throw new Error("an object without a body");
      if ((answer.ContentLength ?? 0) > maxBytes) {
        answer.Body.destroy();
        throw objectTooLarge(maxBytes);
      }
      const body = await readBody(answer.Body, maxBytes, abortSignal);
      return { ...factsOf(key, answer), sizeBytes: body.byteLength, body };
    });
  }

  async delete(key: string, abortSignal: AbortSignal): Promise<void> {
    await this.#ask(({ sdk, client }) =>
      client.send(new sdk.DeleteObjectCommand(this.#at(key)), { abortSignal }),
    );
  }

  async check(abortSignal: AbortSignal): Promise<void> {
    await this.#ask(({ sdk, client }) =>
      client.send(new sdk.HeadBucketCommand({ Bucket: this.#bucket }), { abortSignal }),
    );
  }

  async close(): Promise<void> {
    this.#loaded?.client.destroy();
    await Promise.resolve();
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: key };
  }

  /** Null if there is no such object. */
  #find<T>(work: (loaded: Loaded) => Promise<T>): Promise<T | null> {
    return this.#ask(async (loaded) => {
      try {
        return await work(loaded);
      } catch (error) {
        const { status, code } = answerOf(error);
        // A missing bucket is a 404, too, and no reason to say that there is no such object.
        if (status === 404 && code !== "NoSuchBucket") return null;
        throw error;
      }
    });
  }

  /** Loads, asks, and makes a planned failure of what goes wrong. */
  async #ask<T>(work: (loaded: Loaded) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#loading());
    } catch (error) {
      if (error instanceof StorageError) throw error;
      const failure = failureOf(error);
      if (failure.code === "STORAGE_REFUSED") this.#key?.secret.invalidate();
      throw failure;
    }
  }
}

function clientOf(
  sdk: Sdk,
  address: S3Address,
  key: StaticKey | null,
  role: AwsCredential | null,
): S3Client {
  return new sdk.S3Client({
    maxAttempts: 1,
    ...(address.region !== null && { region: address.region }),
    ...(address.endpoint !== null && { endpoint: address.endpoint, forcePathStyle: true }),
    ...(role !== null && { credentials: role }),
    ...(key !== null && { credentials: () => credentialsOf(key) }),
    // Integrity is ours: MD5 on the way there, SHA-256 on the way back.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
}

/** Asked for before every request, because they claim to be over: a rotated key counts at once. */
async function credentialsOf({ id, secret }: StaticKey) {
  const secretAccessKey = await secret.value();
  return { accessKeyId: id, secretAccessKey, expiration: new Date(0) };
}

function failureOf(error: unknown): StorageError {
  const answer = answerOf(error);
  return answer.status === 412 ? objectExists(error) : storageFailure(answer, error);
}

function answerOf(error: unknown): StoreAnswer {
  if (!(error instanceof Error)) return { status: null, code: null };
  const metadata = "$metadata" in error ? error.$metadata : null;
  const status =
    typeof metadata === "object" && metadata !== null && "httpStatusCode" in metadata
      ? metadata.httpStatusCode
      : null;
  return { status: typeof status === "number" ? status : null, code: error.name };
}

function factsOf(
  key: string,
  answer: HeadObjectCommandOutput | GetObjectCommandOutput,
): ObjectFacts {
  return {
    key,
    sizeBytes: answer.ContentLength ?? 0,
    etag: unquoted(answer.ETag),
    contentType: answer.ContentType ?? null,
    sha256: answer.Metadata?.["sha256"] ?? null,
  };
}

function unquoted(etag: string | undefined): string {
  return (etag ?? "").replaceAll('"', "");
}

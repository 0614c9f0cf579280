/**
 * An S3 bucket as an object store.
 *
 * Every body goes up with its Content-MD5, which S3 checks before it keeps anything; the payload is not
 * hashed a second time for the signature (TLS protects it on its way).
 */
import type {
  FinishRequest,
  HashOfParts,
  ListRequest,
  ObjectEntry,
  ObjectFacts,
  ObjectStore,
  ObjectStoreCapabilities,
  Part,
  PartUpload,
  ReadRequest,
  SecretUrl,
  StoredObject,
  StoreFinding,
  WholeBody,
  WholeObject,
  WholeReadRequest,
  WriteCondition,
  WriteRequest,
} from "@cloudphoenix/objects";
import {
  checkStored,
  collectChecked,
  conditionHeaders,
  etagOf,
  expectedRange,
  hexToBase64,
  HttpTransport,
  presentError,
  streamChecked,
  type WireAnswer,
} from "@cloudphoenix/objects/wire";
import type { AwsCredentialIdentityProvider } from "@smithy/types";
import { defaultCredentials, type StaticCredentials } from "../aws-credentials.ts";
import { hashOfParts } from "./hash-of-parts.ts";
import { etagsAreMd5, inspectBucket } from "./inspect-bucket.ts";
import { listObjects } from "./list-objects.ts";
import { readTags } from "./object-tags.ts";
import { MultipartUploads } from "./multipart-uploads.ts";
import { type S3Call, S3Client } from "./s3-client.ts";
import { checkS3Key } from "./s3-keys.ts";
import { factsFrom, headersToWrite, md5From } from "./s3-properties.ts";

export interface S3ObjectStoreOptions {
  readonly bucket: string;
  readonly region: string;
  /** A server other than AWS's. Buckets are then part of the path. */
  readonly endpoint?: URL;
  /** Default: the SDK's chain, roles included (IRSA, container, instance). */
  readonly credentials?: StaticCredentials;
  /** Entries asked for per page of a listing, 1 to 1,000 (default). */
  readonly pageSize?: number;
  /** Whether tags are read and written, which takes rights of their own. Default: yes. */
  readonly tags?: boolean;
  /** See `HttpTransportOptions`. */
  readonly silenceMs?: number;
  readonly connectionsMax?: number;
  /** This machine's clock, epoch milliseconds; what it is wrong by is learnt from S3. Default: `Date.now`. */
  readonly now?: () => number;
}

const MIB = 1024 * 1024;

/** An administrator may turn on encryption with KMS while a worker runs. */
const ENCRYPTION_AGAIN_MS = 5 * 60_000;

/** Limits from "Amazon S3 multipart upload limits". */
const LIMITS = {
  listsMetadata: false,
  singleWriteMaxBytes: 5 * 1024 * MIB,
  partMinBytes: 5 * MIB,
  partMaxBytes: 5 * 1024 * MIB,
  partsMax: 10_000,
  objectMaxBytes: 10_000 * 5 * 1024 * MIB,
  urlCopy: null,
} as const;

/** See the file's header. */
export class S3ObjectStore implements ObjectStore {
  readonly address: string;
  readonly #region: string;
  readonly #client: S3Client;
  readonly #uploads: MultipartUploads;
  readonly #transport: HttpTransport;
  readonly #pageSize: number;
  readonly #tags: boolean;
  #keepsDeleted = false;
  #tagsHidden = false;
  #encryption: { readonly etagIsMd5: boolean; readonly seenMs: number } | null = null;

  constructor(options: S3ObjectStoreOptions) {
    const { bucket, region, credentials, silenceMs, connectionsMax } = options;
    this.address = `s3://${bucket}`;
    this.#region = region;
    this.#transport = new HttpTransport({ address: this.address, silenceMs, connectionsMax });
    const fixed: AwsCredentialIdentityProvider | null =
      credentials === undefined ? null : () => Promise.resolve(credentials);
    this.#client = new S3Client({
      address: this.address,
      bucket,
      region,
      endpoint: options.endpoint ?? null,
      credentials: fixed ?? defaultCredentials(region),
      transport: this.#transport,
      now: options.now,
    });
    this.#uploads = new MultipartUploads(this.#client, {
      address: this.address,
      tags: options.tags ?? true,
    });
    this.#tags = options.tags ?? true;
    this.#pageSize = options.pageSize ?? 1000;
  }

  get capabilities(): ObjectStoreCapabilities {
    const told = { keepsDeleted: this.#keepsDeleted, tagsHidden: this.#tagsHidden };
    return { ...LIMITS, tags: this.#tags, ...told };
  }

  /** Closes idle connections. */
  close(): void {
    this.#transport.close();
  }

  async inspect(signal: AbortSignal): Promise<readonly StoreFinding[]> {
    const store = { address: this.address, region: this.#region, tags: this.#tags };
    const state = await inspectBucket(this.#client, store, signal);
    this.#keepsDeleted = state.keepsDeleted;
    this.#tagsHidden = state.tagsHidden;
    return state.findings;
  }

  async *list(
    request: ListRequest,
    signal: AbortSignal,
  ): AsyncGenerator<readonly ObjectEntry[], void, void> {
    const etagIsMd5 = await this.#etagIsMd5(signal);
    const options = { pageSize: this.#pageSize, etagIsMd5, signal };
    yield* listObjects(this.#client, request, options);
  }

  async head(key: string, signal: AbortSignal): Promise<ObjectFacts | null> {
    checkS3Key(key);
    const call = this.#call("HEAD", key, "looking at");
    const answer = await this.#client.tryCall(call, signal);
    if (answer.status === 404) {
      answer.body.resume();
      await this.#checkBucket(signal);
      return null;
    }
    if (answer.status >= 300) throw await this.#refusalOf(answer, call, signal);
    answer.body.resume();
    return factsFrom(key, answer.headers, await this.#readTags(key, answer, signal));
  }

  hashOfParts(
    version: Pick<ObjectEntry, "key" | "etag" | "sizeBytes">,
    sizes: "likely" | "each",
    signal: AbortSignal,
  ): Promise<HashOfParts | null> {
    return hashOfParts(this.#client, version, sizes, signal);
  }

  async *read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const { key, range } = request;
    const answer = await this.#open(request, signal);
    const what = this.#what(key);
    const { sizeBytes, md5 } = factsFrom(key, answer.headers, {});
    const expected =
      range === undefined ? { what, sizeBytes, md5 } : expectedRange(answer, range, what);
    yield* streamChecked(this.#transport, answer, expected, signal);
  }

  async readWhole(request: WholeReadRequest, signal: AbortSignal): Promise<WholeObject> {
    const { key, sizeBytes } = request;
    const answer = await this.#open(request, signal);
    const expected = { what: this.#what(key), sizeBytes, md5: md5From(answer.headers) };
    const body = await collectChecked(this.#transport, answer, expected, signal);
    const tags = await this.#readTags(key, answer, signal);
    return { facts: factsFrom(key, answer.headers, tags), ...body };
  }

  async write(request: WriteRequest, body: WholeBody, signal: AbortSignal): Promise<StoredObject> {
    const { key, properties, condition } = request;
    checkS3Key(key);
    const call: S3Call = {
      ...this.#call("PUT", key, "writing"),
      headers: {
        ...headersToWrite(key, properties, this.#tags),
        ...conditionHeaders(condition),
        "content-md5": hexToBase64(body.md5),
      },
      body: body.bytes,
    };
    const headers = await this.#client.done(call, signal);
    checkStored(this.#what(key), md5From(headers), body.md5);
    return { etag: etagOf(headers), sizeBytes: body.bytes.length };
  }

  beginUpload(request: WriteRequest, signal: AbortSignal): Promise<PartUpload> {
    return this.#uploads.begin(request, signal);
  }

  uploadPart(
    upload: PartUpload,
    part: { readonly number: number } & WholeBody,
    signal: AbortSignal,
  ): Promise<Part> {
    return this.#uploads.put(upload, part, signal);
  }

  uploadedParts(upload: PartUpload, signal: AbortSignal): Promise<readonly Part[] | null> {
    return this.#uploads.parts(upload, signal);
  }

  finishUpload(request: FinishRequest, signal: AbortSignal): Promise<StoredObject> {
    return this.#uploads.finish(request, signal);
  }

  abortUpload(upload: PartUpload, signal: AbortSignal): Promise<void> {
    return this.#uploads.abort(upload, signal);
  }

  async delete(key: string, condition: WriteCondition, signal: AbortSignal): Promise<void> {
    checkS3Key(key);
    if (condition.kind === "absent") {
      if ((await this.head(key, signal)) !== null) throw presentError(this.#what(key));
      return;
    }
    const call: S3Call = {
      ...this.#call("DELETE", key, "deleting"),
      headers: conditionHeaders(condition),
    };
    const answer = await this.#client.tryCall(call, signal);
    if (answer.status < 300) {
      answer.body.resume();
      return;
    }
    const refused = await this.#client.refuse(answer, call, signal);
    const maybeGone = refused.code === "OBJECT_GONE" || refused.code === "OBJECT_CHANGED";
    if (maybeGone && (await this.head(key, signal)) === null) return;
    throw refused;
  }

  async readUrl(key: string, validMs: number, signal: AbortSignal): Promise<SecretUrl> {
    checkS3Key(key);
    return this.#client.presign(key, validMs, signal);
  }

  /** HEAD tells no reason. Whether it is the object or the token, a GET of its first byte tells. */
  async #refusalOf(answer: WireAnswer, call: S3Call, signal: AbortSignal): Promise<Error> {
    const silent = await this.#client.refuse(answer, call, signal);
    if (answer.status !== 400) return silent;
    const again = await this.#client.tryCall(
      { ...call, method: "GET", headers: { range: "bytes=0-0" } },
      signal,
    );
    if (again.status >= 300) return this.#client.refuse(again, call, signal);
    again.body.resume();
    return silent;
  }

  async #etagIsMd5(signal: AbortSignal): Promise<boolean> {
    const nowMs = this.#client.now();
    if (this.#encryption === null || nowMs - this.#encryption.seenMs >= ENCRYPTION_AGAIN_MS) {
      this.#encryption = { etagIsMd5: await etagsAreMd5(this.#client, signal), seenMs: nowMs };
    }
    return this.#encryption.etagIsMd5;
  }

  async #open(
    request: Pick<ReadRequest, "key" | "etag" | "range">,
    signal: AbortSignal,
  ): Promise<WireAnswer> {
    checkS3Key(request.key);
    const headers: Record<string, string> = { "if-match": `"${request.etag}"` };
    const { range } = request;
    if (range !== undefined) headers["range"] = `bytes=${range.firstByte}-${range.lastByte}`;
    return this.#client.call({ ...this.#call("GET", request.key, "reading"), headers }, signal);
  }

  /** HEAD says 404 for a missing bucket, too: that must not pass for a missing object. */
  async #checkBucket(signal: AbortSignal): Promise<void> {
    const call = {
      method: "HEAD",
      key: null,
      doing: "looking (bucket)",
      notFound: "NOT_FOUND",
    } as const;
    await this.#client.done(call, signal);
  }

  async #readTags(
    key: string,
    answer: WireAnswer,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    return this.#tags ? readTags(this.#client, key, answer, signal) : {};
  }

  #call(method: S3Call["method"], key: string, verb: string): S3Call {
    return { method, key, doing: `${verb} ${key}`, notFound: "OBJECT_GONE" };
  }

  #what(key: string): string {
    return `${this.address}: ${key}`;
  }
}

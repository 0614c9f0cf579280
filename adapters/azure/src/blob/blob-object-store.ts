/**
 * A container of Azure Blob Storage as an object store.
 *
 * Every block carries its Content-MD5: the service checks it, and none of its hashes has to be computed
 * twice. What is not checked by the service, the hash of a whole blob committed from blocks,
 * is stored as given: it was computed from the same bytes.
 */
import { randomUUID } from "node:crypto";
import { CloudPhoenixError, hasCode } from "@cloudphoenix/core";
import type {
  FinishRequest,
  ListRequest,
  ObjectEntry,
  ObjectFacts,
  ObjectStore,
  ObjectStoreCapabilities,
  Part,
  PartUpload,
  ReadRequest,
  StoredObject,
  StoreFinding,
  UrlCopyOutcome,
  UrlSource,
  WholeBody,
  WholeObject,
  WholeReadRequest,
  WriteCondition,
  WriteRequest,
} from "@cloudphoenix/objects";
import {
  base64ToHex,
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
import { StorageClient, type StorageCall, type StorageCredential } from "../storage-client.ts";
import { checkBlobKey } from "./blob-keys.ts";
import { factsFrom, headersToWrite } from "./blob-properties.ts";
import { readTags } from "./blob-tags.ts";
import { BlockUploads } from "./block-uploads.ts";
import { copyFromUrl } from "./copy-from-url.ts";
import { inspectContainer } from "./inspect-container.ts";
import { listBlobs } from "./list-blobs.ts";

export interface BlobObjectStoreOptions {
  /** `https://account.blob.core.windows.net`; an emulator's ends with the account. */
  readonly endpoint: URL;
  readonly container: string;
  readonly credential: StorageCredential;
  /** Entries asked for per page of a listing, 1 to 5,000 (default). */
  readonly pageSize?: number;
  /** Whether tags are read and written, which takes rights of their own. Default: yes. */
  readonly tags?: boolean;
  /** See `HttpTransportOptions`. */
  readonly silenceMs?: number;
  readonly connectionsMax?: number;
  /** Names an upload; default a random UUID. */
  readonly newToken?: () => string;
}

const MIB = 1024 * 1024;

/** Limits from "Scalability and performance targets for Blob storage" and "Put Blob From URL". */
const LIMITS = {
  listsMetadata: true,
  // Reading a blob's tags without the right fails, and says so.
  tagsHidden: false,
  singleWriteMaxBytes: 5000 * MIB,
  partMinBytes: 1,
  partMaxBytes: 4000 * MIB,
  partsMax: 50_000,
  objectMaxBytes: 50_000 * 4000 * MIB,
  urlCopy: { maxBytes: 5000 * MIB, urlMaxCharacters: 2048 },
} as const;

/** See the file's header. */
export class BlobObjectStore implements ObjectStore {
  readonly address: string;
  readonly #client: StorageClient;
  readonly #uploads: BlockUploads;
  readonly #transport: HttpTransport;
  readonly #pageSize: number;
  readonly #tags: boolean;
  readonly #encrypted: boolean;
  #keepsDeleted = false;

  constructor(options: BlobObjectStoreOptions) {
    const { endpoint, container, credential, silenceMs, connectionsMax } = options;
    this.address = `azblob://${endpoint.host}${endpoint.pathname.replace(/\/$/, "")}/${container}`;
    this.#transport = new HttpTransport({ address: this.address, silenceMs, connectionsMax });
    this.#client = new StorageClient({
      address: this.address,
      endpoint,
      container,
      credential,
      transport: this.#transport,
    });
    this.#uploads = new BlockUploads(this.#client, {
      newToken: options.newToken ?? randomUUID,
      tags: options.tags ?? true,
    });
    this.#tags = options.tags ?? true;
    this.#encrypted = endpoint.protocol === "https:";
    this.#pageSize = options.pageSize ?? 5000;
  }

  get capabilities(): ObjectStoreCapabilities {
    return { ...LIMITS, tags: this.#tags, keepsDeleted: this.#keepsDeleted };
  }

  /** Closes idle connections. */
  close(): void {
    this.#transport.close();
  }

  async inspect(signal: AbortSignal): Promise<readonly StoreFinding[]> {
    const { findings, keepsDeleted } = await inspectContainer(this.#client, this.address, signal);
    this.#keepsDeleted = keepsDeleted;
    return findings;
  }

  list(request: ListRequest, signal: AbortSignal): AsyncIterable<readonly ObjectEntry[]> {
    return listBlobs(this.#client, request, { pageSize: this.#pageSize, signal });
  }

  async head(key: string, signal: AbortSignal): Promise<ObjectFacts | null> {
    checkBlobKey(key);
    const call = this.#call("HEAD", key, "looking at");
    const answer = await this.#client.tryCall(call, signal);
    if (answer.status === 404 && answer.headers["x-ms-error-code"] !== "ContainerNotFound") {
      answer.body.resume();
      return null;
    }
    if (answer.status >= 300) throw await this.#client.refuse(answer, call, signal);
    answer.body.resume();
    return factsFrom(key, answer.headers, await this.#readTags(key, answer, signal));
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
    const { md5 } = factsFrom(key, answer.headers, {});
    const expected = { what: this.#what(key), sizeBytes, md5 };
    const body = await collectChecked(this.#transport, answer, expected, signal);
    const tags = await this.#readTags(key, answer, signal);
    return { facts: factsFrom(key, answer.headers, tags), ...body };
  }

  async write(request: WriteRequest, body: WholeBody, signal: AbortSignal): Promise<StoredObject> {
    checkBlobKey(request.key);
    const call: StorageCall = {
      ...this.#call("PUT", request.key, "writing"),
      headers: {
        ...headersToWrite(request, body.md5, this.#tags),
        "x-ms-blob-type": "BlockBlob",
        "content-md5": hexToBase64(body.md5),
      },
      body: body.bytes,
    };
    const headers = await this.#client.done(call, signal);
    const told = headers["content-md5"];
    const stored = typeof told === "string" ? base64ToHex(told) : null;
    checkStored(this.#what(request.key), stored, body.md5);
    return { etag: etagOf(headers), sizeBytes: body.bytes.length };
  }

  copyFromUrl(
    request: WriteRequest,
    source: UrlSource,
    signal: AbortSignal,
  ): Promise<UrlCopyOutcome> {
    const options = { address: this.address, tags: this.#tags, encrypted: this.#encrypted };
    return copyFromUrl(this.#client, options, request, { ...source, signal });
  }

  beginUpload(request: WriteRequest, signal: AbortSignal): Promise<PartUpload> {
    return this.#uploads.begin(request.key, signal);
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

  /** Blob drops blocks that were not committed after a week, or with the next write of the key. */
  abortUpload(upload: PartUpload, signal: AbortSignal): Promise<void> {
    return this.#uploads.abort(upload, signal);
  }

  async delete(key: string, condition: WriteCondition, signal: AbortSignal): Promise<void> {
    checkBlobKey(key);
    if (condition.kind === "absent") {
      if ((await this.head(key, signal)) !== null) throw presentError(this.#what(key));
      return;
    }
    const call: StorageCall = {
      ...this.#call("DELETE", key, "deleting"),
      headers: { ...conditionHeaders(condition), "x-ms-delete-snapshots": "include" },
    };
    const answer = await this.#client.tryCall(call, signal);
    const gone = answer.status === 404 && answer.headers["x-ms-error-code"] === "BlobNotFound";
    if (answer.status >= 300 && !gone) throw await this.#client.refuse(answer, call, signal);
    answer.body.resume();
  }

  async #open(
    request: Pick<ReadRequest, "key" | "etag" | "range">,
    signal: AbortSignal,
  ): Promise<WireAnswer> {
    checkBlobKey(request.key);
    const headers: Record<string, string> = { "if-match": `"${request.etag}"` };
    const { range } = request;
    if (range !== undefined) headers["x-ms-range"] = `bytes=${range.firstByte}-${range.lastByte}`;
    const call = { ...this.#call("GET", request.key, "reading"), headers };
    const answer = await this.#client.tryCall(call, signal);
    if (answer.status < 300) return answer;
    const refused = await this.#client.refuse(answer, call, signal);
    // A condition on nothing fails as a condition; what the caller wants to know is that it is gone.
    const changed = hasCode(refused, "OBJECT_CHANGED");
    if (changed && (await this.head(request.key, signal)) === null) throw this.#gone(request.key);
    throw refused;
  }

  async #readTags(
    key: string,
    answer: WireAnswer,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    return this.#tags ? readTags(this.#client, key, answer, signal) : {};
  }

  #call(method: StorageCall["method"], key: string, verb: string): StorageCall {
    return { method, key, query: "", doing: `${verb} ${key}`, notFound: "OBJECT_GONE" };
  }

  #what(key: string): string {
    return `${this.address}: ${key}`;
  }

  #gone(key: string): CloudPhoenixError {
    return new CloudPhoenixError("OBJECT_GONE", `${this.#what(key)} is gone`, { retryable: false });
  }
}

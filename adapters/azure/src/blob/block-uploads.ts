/**
 * Uploads in parts as uncommitted blocks.
 *
 * Blob knows no uploads: blocks belong to the key. So an upload is a token in the names of its blocks, and
 * several uploads of one key do not mix; the first to commit wins and drops the others' blocks.
 */
import { CloudPhoenixError } from "@cloudphoenix/core";
import type {
  FinishRequest,
  Part,
  PartUpload,
  StoredObject,
  WholeBody,
} from "@cloudphoenix/objects";
import { child, childText, etagOf, hexToBase64, parseXml } from "@cloudphoenix/objects/wire";
import type { StorageCall, StorageClient } from "../storage-client.ts";
import { checkBlobKey } from "./blob-keys.ts";
import { headersToWrite } from "./blob-properties.ts";

/** 100,000 uncommitted blocks at most, about 140 bytes each. */
const BLOCK_LIST_MAX_BYTES = 32 * 1024 * 1024;
const PART_DIGITS = 5;

/** See the file's header. */
export class BlockUploads {
  readonly #client: StorageClient;
  readonly #newToken: () => string;
  readonly #tags: boolean;

  constructor(
    client: StorageClient,
    options: { readonly newToken: () => string; readonly tags: boolean },
  ) {
    this.#client = client;
    this.#newToken = options.newToken;
    this.#tags = options.tags;
  }

  async begin(key: string, signal: AbortSignal): Promise<PartUpload> {
    this.#client.throwIfAborted(signal);
    checkBlobKey(key);
    return { key, token: this.#newToken() };
  }

  async put(
    upload: PartUpload,
    part: { readonly number: number } & WholeBody,
    signal: AbortSignal,
  ): Promise<Part> {
    const receipt = blockName(upload, part.number);
    const call: StorageCall = {
      ...callFor(upload.key, `writing part ${part.number} of ${upload.key}`),
      query: `?comp=block&blockid=${encodeURIComponent(receipt)}`,
      headers: { "content-md5": hexToBase64(part.md5) },
      body: part.bytes,
    };
    await this.#client.done(call, signal);
    return { number: part.number, sizeBytes: part.bytes.length, receipt };
  }

  async parts(upload: PartUpload, signal: AbortSignal): Promise<readonly Part[] | null> {
    const call: StorageCall = {
      ...callFor(upload.key, `asking for parts of ${upload.key}`),
      method: "GET",
      query: "?comp=blocklist&blocklisttype=uncommitted",
    };
    const answer = await this.#client.tryCall(call, signal);
    const unknown =
      answer.status === 404 && answer.headers["x-ms-error-code"] !== "ContainerNotFound";
    if (answer.status >= 300 && !unknown) throw await this.#client.refuse(answer, call, signal);
    const body = await this.#client.transport.collect(answer, BLOCK_LIST_MAX_BYTES, signal);
    if (unknown) return null;
    const root = parseXml(body.toString("utf8").replace(/^\ufeff/, ""));
    const blocks = root === null ? undefined : child(root, "UncommittedBlocks");
    const parts = (blocks?.children ?? []).flatMap((block): readonly Part[] => {
      const receipt = childText(block, "Name") ?? "";
      const number = partNumber(upload, receipt);
      return number === null
        ? []
        : [{ number, sizeBytes: Number(childText(block, "Size")), receipt }];
    });
    return parts.length === 0 ? null : parts.toSorted((a, b) => a.number - b.number);
  }

  async finish(request: FinishRequest, signal: AbortSignal): Promise<StoredObject> {
    const { key, parts } = request;
    checkBlobKey(key);
    checkOrder(request);
    const names = parts.map(({ receipt }) => `<Uncommitted>${receipt}</Uncommitted>`).join("");
    const call: StorageCall = {
      ...callFor(key, `putting ${key} together from ${parts.length} parts`),
      query: "?comp=blocklist",
      headers: headersToWrite(request, request.md5, this.#tags),
      body: Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${names}</BlockList>`),
    };
    const headers = await this.#client.done(call, signal);
    const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
    return { etag: etagOf(headers), sizeBytes };
  }

  async abort(upload: PartUpload, signal: AbortSignal): Promise<void> {
    this.#client.throwIfAborted(signal);
    checkBlobKey(upload.key);
  }
}

function callFor(key: string, doing: string): StorageCall {
  return { method: "PUT", key, query: "", doing, notFound: "NOT_FOUND" };
}

/** Names of one key's blocks must all have one length. */
function blockName({ token }: PartUpload, number: number): string {
  const digits = String(number).padStart(PART_DIGITS, "0");
  return Buffer.from(`${token}.${digits}`, "utf8").toString("base64");
}

function partNumber({ token }: PartUpload, receipt: string): number | null {
  const name = Buffer.from(receipt, "base64").toString("utf8");
  const number = Number(name.slice(token.length + 1));
  return name.startsWith(`${token}.`) && Number.isInteger(number) ? number : null;
}

/** A hole would make an object that never was. */
function checkOrder({ key, parts }: FinishRequest): void {
  const wrong = parts.findIndex((part, index) => part.number !== index + 1);
  if (wrong < 0) return;
  throw new CloudPhoenixError("INTERNAL", `part ${wrong + 1} of ${key} is missing`, {
    retryable: false,
  });
}

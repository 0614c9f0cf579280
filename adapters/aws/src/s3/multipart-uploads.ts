/**
 * Uploads in parts.
 *
 * Each part carries its Content-MD5, which S3 checks. The whole is checked by its ETag: S3 makes it
 * from the MD5s of the parts it put together (where it does not encrypt with KMS).
 */
import { hash } from "node:crypto";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type {
  FinishRequest,
  Part,
  PartUpload,
  StoredObject,
  WholeBody,
  WriteRequest,
} from "@cloudphoenix/objects";
import {
  childText,
  conditionHeaders,
  escapeXml,
  etagOf,
  hexToBase64,
  parseXml,
  readRefusal,
  unquote,
  type XmlElement,
} from "@cloudphoenix/objects/wire";
import type { S3Call, S3Client } from "./s3-client.ts";
import { checkS3Key } from "./s3-keys.ts";
import { etagTellsMd5, headersToWrite, md5OfEtag } from "./s3-properties.ts";

const ANSWER_MAX_BYTES = 4 * 1024 * 1024;

/** See the file's header. */
export class MultipartUploads {
  readonly #client: S3Client;
  readonly #address: string;
  readonly #tags: boolean;

  constructor(client: S3Client, options: { readonly address: string; readonly tags: boolean }) {
    this.#client = client;
    this.#address = options.address;
    this.#tags = options.tags;
  }

  async begin({ key, properties }: WriteRequest, signal: AbortSignal): Promise<PartUpload> {
    checkS3Key(key);
    const call: S3Call = {
      ...callFor("POST", key, `beginning to write ${key} in parts`),
      query: { uploads: "" },
      headers: headersToWrite(key, properties, this.#tags),
    };
    const root = parseXml(await this.#client.text(call, ANSWER_MAX_BYTES, signal));
    const token = root === null ? undefined : childText(root, "UploadId");
    if (token === undefined || token === "") throw this.#unclear(call);
    return { key, token };
  }

  async put(
    upload: PartUpload,
    part: { readonly number: number } & WholeBody,
    signal: AbortSignal,
  ): Promise<Part> {
    const { number, bytes, md5 } = part;
    const call: S3Call = {
      ...callFor("PUT", upload.key, `writing part ${number} of ${upload.key}`),
      query: { partNumber: String(number), uploadId: upload.token },
      headers: { "content-md5": hexToBase64(md5) },
      body: bytes,
    };
    const headers = await this.#client.done(call, signal);
    return { number, sizeBytes: bytes.length, receipt: etagOf(headers) };
  }

  async parts(upload: PartUpload, signal: AbortSignal): Promise<readonly Part[] | null> {
    const parts: Part[] = [];
    let marker = "0";
    for (;;) {
      const call: S3Call = {
        ...callFor("GET", upload.key, `asking for parts of ${upload.key}`),
        query: { uploadId: upload.token, "part-number-marker": marker },
      };
      const answer = await this.#client.tryCall(call, signal);
      if (answer.status >= 300) {
        const refusal = await readRefusal(this.#client.transport, answer, signal);
        if (refusal.code === "NoSuchUpload") return null;
        throw this.#client.errorFor(refusal, call);
      }
      const body = await this.#client.transport.collect(answer, ANSWER_MAX_BYTES, signal);
      const root = parseXml(body.toString("utf8"));
      if (root === null) throw this.#unclear(call);
      parts.push(...root.children.filter(({ name }) => name === "Part").map(partFrom));
      const next = childText(root, "NextPartNumberMarker") ?? "";
      if (childText(root, "IsTruncated") !== "true" || next === marker) return parts;
      marker = next;
    }
  }

  async finish(request: FinishRequest, signal: AbortSignal): Promise<StoredObject> {
    const { key, upload, parts } = request;
    const listed = parts.map(
      ({ number, receipt }) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(`"${receipt}"`)}</ETag></Part>`,
    );
    const call: S3Call = {
      ...callFor("POST", key, `putting ${key} together from ${parts.length} parts`),
      query: { uploadId: upload.token },
      headers: { ...conditionHeaders(request.condition), "content-type": "application/xml" },
      body: Buffer.from(
        `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join("")}</CompleteMultipartUpload>`,
      ),
    };
    const answer = await this.#client.call(call, signal);
    const body = await this.#client.transport.collect(answer, ANSWER_MAX_BYTES, signal);
    const root = parseXml(body.toString("utf8"));
    // S3 may begin to answer before it knows how it ends: an error can come with status 200.
    if (root?.name === "Error") throw this.#lateRefusal(call, root);
    const etag = root === null ? undefined : childText(root, "ETag");
    if (etag === undefined) throw this.#unclear(call);
    const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
    const stored = { etag: unquote(etag), sizeBytes };
    const told = etagTellsMd5(answer.headers);
    return told && isOfOtherParts(stored.etag, parts) ? { ...stored, isOther: true } : stored;
  }

  async abort(upload: PartUpload, signal: AbortSignal): Promise<void> {
    const call: S3Call = {
      ...callFor("DELETE", upload.key, `giving up the parts of ${upload.key}`),
      query: { uploadId: upload.token },
    };
    const answer = await this.#client.tryCall(call, signal);
    if (answer.status >= 300 && answer.status !== 404) {
      throw await this.#client.refuse(answer, call, signal);
    }
    answer.body.resume();
  }

  #lateRefusal(call: S3Call, error: XmlElement): CloudPhoenixError {
    const code = childText(error, "Code") ?? "InternalError";
    const message = childText(error, "Message") ?? "";
    return this.#client.errorFor({ status: 500, code, message }, call);
  }

  #unclear({ doing }: S3Call): CloudPhoenixError {
    const message = `${this.#address}: the answer to ${doing} is not understood`;
    return new CloudPhoenixError("OBJECT_STORE_UNREACHABLE", message, { retryable: true });
  }
}

/** The ETag is not the hash of these parts' MD5s. */
function isOfOtherParts(etag: string, parts: readonly Part[]): boolean {
  const hashes = parts.map(({ receipt }) => md5OfEtag(receipt));
  if (hashes.includes(null) || !etag.includes("-")) return false;
  const whole = hash("md5", Buffer.from(hashes.join(""), "hex"), "hex");
  return etag !== `${whole}-${parts.length}`;
}

function callFor(method: S3Call["method"], key: string, doing: string): S3Call {
  return { method, key, doing, notFound: "OBJECT_GONE" };
}

function partFrom(element: XmlElement): Part {
  return {
    number: Number(childText(element, "PartNumber")),
    sizeBytes: Number(childText(element, "Size")),
    receipt: unquote(childText(element, "ETag") ?? ""),
  };
}

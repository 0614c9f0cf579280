/** What belongs to an object besides its bytes, as S3's headers and back. */
import type { IncomingHttpHeaders } from "node:http";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { ObjectFacts, ObjectProperties, WriteCondition } from "@cloudphoenix/objects";
import { decodeHeaderText, encodeHeaderText } from "@cloudphoenix/objects/wire";

/** Under this metadata name a copy keeps its stamp, on both clouds. */
const STAMP_NAME = "cloudphoenixstamp";
const METADATA_PREFIX = "x-amz-meta-";
/** What HTTP takes as the name of a header. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** Headers of a Put Object or Create Multipart Upload. */
export function propertyHeaders(
  key: string,
  properties: ObjectProperties,
  withTags: boolean,
): Record<string, string> {
  const headers: Record<string, string> = {};
  const named = [
    ["content-type", properties.contentType],
    ["content-encoding", properties.contentEncoding],
    ["content-disposition", properties.contentDisposition],
    ["content-language", properties.contentLanguage],
    ["cache-control", properties.cacheControl],
  ] as const;
  for (const [name, value] of named) if (value !== null) headers[name] = value;
  for (const [name, value] of Object.entries(properties.metadata)) {
    if (!HEADER_NAME.test(name)) throw refusedName(key, name);
    headers[METADATA_PREFIX + name] = encodeHeaderText(value);
  }
  if (properties.stamp !== null) {
    headers[METADATA_PREFIX + STAMP_NAME] = encodeHeaderText(properties.stamp);
  }
  const tags = Object.entries(properties.tags).map(([name, value]) => [name, value]);
  if (withTags && tags.length > 0) headers["x-amz-tagging"] = new URLSearchParams(tags).toString();
  return headers;
}

/** Conditions as headers; the store checks them. */
export function conditionHeaders(condition: WriteCondition): Record<string, string> {
  if (condition.kind === "none") return {};
  return condition.kind === "absent"
    ? { "if-none-match": "*" }
    : { "if-match": `"${condition.etag}"` };
}

/** What the headers of Get Object or Head Object say; tags are not among them. */
export function factsFrom(
  key: string,
  headers: IncomingHttpHeaders,
  tags: Readonly<Record<string, string>>,
): ObjectFacts {
  const range = /\/(\d+)$/.exec(headers["content-range"] ?? "");
  const metadata: Record<string, string> = {};
  let stamp: string | null = null;
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(METADATA_PREFIX) || typeof value !== "string") continue;
    const own = name.slice(METADATA_PREFIX.length);
    if (own === STAMP_NAME) stamp = decodeHeaderText(value);
    else metadata[own] = decodeHeaderText(value);
  }
  return {
    key,
    sizeBytes: Number(range?.[1] ?? headers["content-length"] ?? 0),
    etag: unquote(headers.etag ?? ""),
    modifiedMs: Date.parse(headers["last-modified"] ?? ""),
    md5: md5From(headers),
    stamp,
    properties: { ...contentHeaders(headers), metadata, tags, stamp },
  };
}

/** The MD5 of the whole content, where the ETag is that: stored in one piece, and not encrypted with KMS or a customer's key. */
export function md5From(headers: IncomingHttpHeaders): string | null {
  const encryption = headers["x-amz-server-side-encryption"];
  const foreign = encryption !== undefined && encryption !== "AES256";
  const customer = headers["x-amz-server-side-encryption-customer-algorithm"] !== undefined;
  return foreign || customer ? null : md5OfEtag(unquote(headers.etag ?? ""));
}

/** The ETag if it has the form of an MD5. */
export function md5OfEtag(etag: string): string | null {
  return /^[0-9a-f]{32}$/.test(etag) ? etag : null;
}

/** `"ab"` becomes `ab`. */
export function unquote(etag: string): string {
  return etag.replace(/^(?:W\/)?"|"$/g, "");
}

function contentHeaders(
  headers: IncomingHttpHeaders,
): Omit<ObjectProperties, "metadata" | "tags" | "stamp"> {
  // Uploads of some SDKs leave the name of their transport encoding behind.
  const encoding = text(headers, "content-encoding");
  return {
    contentType: text(headers, "content-type"),
    contentEncoding: encoding === "aws-chunked" ? null : encoding,
    contentDisposition: text(headers, "content-disposition"),
    contentLanguage: text(headers, "content-language"),
    cacheControl: text(headers, "cache-control"),
  };
}

function text(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : null;
}

function refusedName(key: string, name: string): CloudPhoenixError {
  const message = `S3 cannot hold the metadata name ${JSON.stringify(name)} of ${key}`;
  return new CloudPhoenixError("OBJECT_REFUSED", message, {
    retryable: false,
    hint: "Rename the metadata at the source.",
  });
}

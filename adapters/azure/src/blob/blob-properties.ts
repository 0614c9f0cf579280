/** What belongs to an object besides its bytes, as Blob's headers and back. */
import type { IncomingHttpHeaders } from "node:http";
import type {
  ObjectFacts,
  ObjectProperties,
  WriteCondition,
  WriteRequest,
} from "@cloudphoenix/objects";
import { decodeHeaderText, encodeHeaderText } from "@cloudphoenix/objects/wire";
import { decodeMetadataName, encodeMetadataName } from "./metadata-names.ts";

/** Under this metadata name a copy keeps its stamp, on both clouds. */
export const STAMP_NAME = "cloudphoenixstamp";

const METADATA_PREFIX = "x-ms-meta-";

/** Headers of a Put Blob or Put Block List. `md5` is the whole content's, in hexadecimal. */
export function headersToWrite(
  request: WriteRequest,
  md5: string,
  withTags: boolean,
): Record<string, string> {
  const { properties, condition } = request;
  const headers: Record<string, string> = {
    ...conditionHeaders(condition),
    "x-ms-blob-content-md5": hexToBase64(md5),
  };
  const named = [
    ["x-ms-blob-content-type", properties.contentType],
    ["x-ms-blob-content-encoding", properties.contentEncoding],
    ["x-ms-blob-content-disposition", properties.contentDisposition],
    ["x-ms-blob-content-language", properties.contentLanguage],
    ["x-ms-blob-cache-control", properties.cacheControl],
  ] as const;
  for (const [name, value] of named) if (value !== null) headers[name] = value;
  for (const [name, value] of Object.entries(properties.metadata)) {
    headers[METADATA_PREFIX + encodeMetadataName(name)] = encodeHeaderText(value);
  }
  if (properties.stamp !== null) {
    headers[METADATA_PREFIX + STAMP_NAME] = encodeHeaderText(properties.stamp);
  }
  const tags = Object.entries(properties.tags).map(([name, value]) => [name, value]);
  if (withTags && tags.length > 0) headers["x-ms-tags"] = new URLSearchParams(tags).toString();
  return headers;
}

/** Conditions as headers; the store checks them. */
export function conditionHeaders(condition: WriteCondition): Record<string, string> {
  if (condition.kind === "none") return {};
  return condition.kind === "absent"
    ? { "if-none-match": "*" }
    : { "if-match": `"${condition.etag}"` };
}

/** What the headers of Get Blob or Get Blob Properties say; tags are not among them. */
export function factsFrom(
  key: string,
  headers: IncomingHttpHeaders,
  tags: Readonly<Record<string, string>>,
): ObjectFacts {
  const range = /\/(\d+)$/.exec(headers["content-range"] ?? "");
  // Of a range, Content-MD5 would be the range's; the blob's own has its own name there.
  const md5 = text(headers, range === null ? "content-md5" : "x-ms-blob-content-md5");
  const metadata: Record<string, string> = {};
  let stamp: string | null = null;
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(METADATA_PREFIX) || typeof value !== "string") continue;
    const own = name.slice(METADATA_PREFIX.length);
    if (own === STAMP_NAME) stamp = decodeHeaderText(value);
    else metadata[decodeMetadataName(own)] = decodeHeaderText(value);
  }
  return {
    key,
    sizeBytes: Number(range?.[1] ?? headers["content-length"] ?? 0),
    etag: unquote(headers.etag ?? ""),
    modifiedMs: Date.parse(headers["last-modified"] ?? ""),
    md5: md5 === null ? null : base64ToHex(md5),
    stamp,
    properties: { ...contentHeaders(headers), metadata, tags, stamp },
  };
}

/** `"0x8D"` becomes `0x8D`. */
export function unquote(etag: string): string {
  return etag.replace(/^(?:W\/)?"|"$/g, "");
}

export function hexToBase64(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}

export function base64ToHex(base64: string): string {
  return Buffer.from(base64, "base64").toString("hex");
}

function contentHeaders(
  headers: IncomingHttpHeaders,
): Omit<ObjectProperties, "metadata" | "tags" | "stamp"> {
  return {
    contentType: text(headers, "content-type"),
    contentEncoding: text(headers, "content-encoding"),
    contentDisposition: text(headers, "content-disposition"),
    contentLanguage: text(headers, "content-language"),
    cacheControl: text(headers, "cache-control"),
  };
}

function text(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : null;
}

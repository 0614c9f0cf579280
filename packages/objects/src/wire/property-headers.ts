/**
 * What belongs to an object besides its bytes, as headers and back.
 *
 * Both clouds say the same in the same words and differ in what stands before them; a `HeaderDialect`
 * is that difference. Does not own: which MD5 an answer tells.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { ObjectFacts, ObjectProperties } from "../object-store.ts";
import { etagOf } from "./entity-tag.ts";
import { decodeHeaderText, encodeHeaderText } from "./header-text.ts";
import { tagHeader } from "./tag-set.ts";

/** Under this metadata name a copy keeps its stamp, on both clouds. */
export const STAMP_NAME = "cloudphoenixstamp";

/** How one cloud names the headers of properties. */
export interface HeaderDialect {
  /** Before `content-type` and its kin in a request that writes; answers have none. */
  readonly contentPrefix: string;
  /** Before the names of metadata. */
  readonly metadataPrefix: string;
  /** The header that writes tags. */
  readonly tagsHeader: string;
  /** A name of metadata of the object `key` as a part of a header's name. @throws if it cannot be one */
  readonly encodeName: (name: string, key: string) => string;
  /** The name again. */
  readonly decodeName: (encoded: string) => string;
}

/** Headers of a request that writes the object `key` or begins to. @throws as `HeaderDialect.encodeName` */
export function propertyHeaders(
  dialect: HeaderDialect,
  key: string,
  properties: ObjectProperties,
  withTags: boolean,
): Record<string, string> {
  const { contentPrefix, metadataPrefix } = dialect;
  const headers: Record<string, string> = {};
  const named = [
    ["content-type", properties.contentType],
    ["content-encoding", properties.contentEncoding],
    ["content-disposition", properties.contentDisposition],
    ["content-language", properties.contentLanguage],
    ["cache-control", properties.cacheControl],
  ] as const;
  for (const [name, value] of named) if (value !== null) headers[contentPrefix + name] = value;
  for (const [name, value] of Object.entries(properties.metadata)) {
    headers[metadataPrefix + dialect.encodeName(name, key)] = encodeHeaderText(value);
  }
  if (properties.stamp !== null) {
    headers[metadataPrefix + STAMP_NAME] = encodeHeaderText(properties.stamp);
  }
  const tags = withTags ? tagHeader(properties.tags) : null;
  if (tags !== null) headers[dialect.tagsHeader] = tags;
  return headers;
}

/** What an answer about the object `key` tells of it; its tags and its MD5 are not told alike. */
export function factsOf(
  dialect: HeaderDialect,
  key: string,
  headers: IncomingHttpHeaders,
  told: { readonly md5: string | null; readonly tags: Readonly<Record<string, string>> },
): ObjectFacts {
  const { metadata, stamp } = metadataOf(dialect, headers);
  return {
    key,
    sizeBytes: Number(wholeSizeOfRange(headers) ?? headers["content-length"] ?? 0),
    etag: etagOf(headers),
    modifiedMs: Date.parse(headers["last-modified"] ?? ""),
    md5: told.md5,
    stamp,
    properties: {
      contentType: headerText(headers, "content-type"),
      contentEncoding: headerText(headers, "content-encoding"),
      contentDisposition: headerText(headers, "content-disposition"),
      contentLanguage: headerText(headers, "content-language"),
      cacheControl: headerText(headers, "cache-control"),
      metadata,
      tags: told.tags,
      stamp,
    },
  };
}

/** The size of the whole object in an answer about a range of it; null if the answer is about all of it. */
export function wholeSizeOfRange(headers: IncomingHttpHeaders): string | null {
  return /\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1] ?? null;
}

/** A header's value; null if it is missing or empty. */
export function headerText(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : null;
}

function metadataOf(
  { metadataPrefix, decodeName }: HeaderDialect,
  headers: IncomingHttpHeaders,
): Pick<ObjectProperties, "metadata" | "stamp"> {
  const metadata: (readonly [string, string])[] = [];
  let stamp: string | null = null;
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(metadataPrefix) || typeof value !== "string") continue;
    const own = name.slice(metadataPrefix.length);
    if (own === STAMP_NAME) stamp = decodeHeaderText(value);
    else metadata.push([decodeName(own), decodeHeaderText(value)]);
  }
  return { metadata: Object.fromEntries(metadata), stamp };
}

/** What belongs to an object besides its bytes, as S3's headers and back. */
import type { IncomingHttpHeaders } from "node:http";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { ObjectFacts, ObjectProperties } from "@cloudphoenix/objects";
import {
  etagOf,
  factsOf,
  type HeaderDialect,
  headerText,
  propertyHeaders,
} from "@cloudphoenix/objects/wire";

/** What HTTP takes as the name of a header. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** What stands in a header without being written in another way. */
const HEADER_TEXT = /^[\x20-\x7e]+$/;

const S3_HEADERS: HeaderDialect = {
  contentPrefix: "",
  metadataPrefix: "x-amz-meta-",
  tagsHeader: "x-amz-tagging",
  encodeName: (name, key) => {
    if (!HEADER_NAME.test(name)) throw refusedName(key, name);
    return name;
  },
  decodeName: (name) => name,
};

/**
 * The property `Expires`, which S3 has and Blob has not, travels as metadata of this name: kept as such by Blob, and a
 * header again wherever it comes back to S3.
 */
const EXPIRES_NAME = "cloudphoenixexpires";

/** Headers of a Put Object or Create Multipart Upload. */
export function headersToWrite(
  key: string,
  properties: ObjectProperties,
  withTags: boolean,
): Record<string, string> {
  const { [EXPIRES_NAME]: expires, ...metadata } = properties.metadata;
  if (expires === undefined || !HEADER_TEXT.test(expires)) {
    return propertyHeaders(S3_HEADERS, key, properties, withTags);
  }
  return { ...propertyHeaders(S3_HEADERS, key, { ...properties, metadata }, withTags), expires };
}

/** What the headers of Get Object or Head Object say; tags are not among them. */
export function factsFrom(
  key: string,
  headers: IncomingHttpHeaders,
  tags: Readonly<Record<string, string>>,
): ObjectFacts {
  const kept = withoutTransportEncoding(headers);
  const facts = factsOf(S3_HEADERS, key, kept, { md5: md5From(headers), tags });
  const expires = headerText(headers, "expires");
  if (expires === null) return facts;
  const metadata = { ...facts.properties.metadata, [EXPIRES_NAME]: expires };
  return { ...facts, properties: { ...facts.properties, metadata } };
}

/** The MD5 of the whole content, where the ETag is that: stored in one piece, and `etagTellsMd5`. */
export function md5From(headers: IncomingHttpHeaders): string | null {
  return etagTellsMd5(headers) ? md5OfEtag(etagOf(headers)) : null;
}

/** The ETag is made of MD5s of the content: it is not encrypted with KMS or a customer's key. */
export function etagTellsMd5(headers: IncomingHttpHeaders): boolean {
  const encryption = headers["x-amz-server-side-encryption"];
  const foreign = encryption !== undefined && encryption !== "AES256";
  const customer = headers["x-amz-server-side-encryption-customer-algorithm"] !== undefined;
  return !foreign && !customer;
}

/** The ETag if it has the form of an MD5. */
export function md5OfEtag(etag: string): string | null {
  return /^[0-9a-f]{32}$/.test(etag) ? etag : null;
}

/** Uploads of some SDKs leave the name of their transport encoding behind. */
function withoutTransportEncoding(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  if (headers["content-encoding"] !== "aws-chunked") return headers;
  const { "content-encoding": _transport, ...kept } = headers;
  return kept;
}

function refusedName(key: string, name: string): CloudPhoenixError {
  const message = `S3 cannot hold the metadata name ${JSON.stringify(name)} of ${key}`;
  return new CloudPhoenixError("OBJECT_REFUSED", message, {
    retryable: false,
    hint: "Rename the metadata at the source.",
  });
}

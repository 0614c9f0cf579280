/** What belongs to an object besides its bytes, as Blob's headers and back. */
import type { IncomingHttpHeaders } from "node:http";
import type { ObjectFacts, WriteRequest } from "@cloudphoenix/objects";
import {
  base64ToHex,
  conditionHeaders,
  factsOf,
  type HeaderDialect,
  headerText,
  hexToBase64,
  propertyHeaders,
  wholeSizeOfRange,
} from "@cloudphoenix/objects/wire";
import { decodeMetadataName, encodeMetadataName } from "./metadata-names.ts";

const BLOB_HEADERS: HeaderDialect = {
  contentPrefix: "x-ms-blob-",
  metadataPrefix: "x-ms-meta-",
  tagsHeader: "x-ms-tags",
  encodeName: encodeMetadataName,
  decodeName: decodeMetadataName,
};

/** Headers of a Put Blob or Put Block List. `md5` is the whole content's, in hexadecimal. */
export function headersToWrite(
  { key, properties, condition }: WriteRequest,
  md5: string,
  withTags: boolean,
): Record<string, string> {
  return {
    ...conditionHeaders(condition),
    "x-ms-blob-content-md5": hexToBase64(md5),
    ...propertyHeaders(BLOB_HEADERS, key, properties, withTags),
  };
}

/** What the headers of Get Blob or Get Blob Properties say; tags are not among them. */
export function factsFrom(
  key: string,
  headers: IncomingHttpHeaders,
  tags: Readonly<Record<string, string>>,
): ObjectFacts {
  // Of a range, Content-MD5 would be the range's; the blob's own has its own name there.
  const isRange = wholeSizeOfRange(headers) !== null;
  const md5 = headerText(headers, isRange ? "x-ms-blob-content-md5" : "content-md5");
  const told = { md5: md5 === null ? null : base64ToHex(md5), tags };
  return factsOf(BLOB_HEADERS, key, headers, told);
}

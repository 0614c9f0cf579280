/** Headers, metadata and tags that a write brings along, and how a read gives them back. */
import { callHeader, OWNER_ID, type S3Call } from "../s3/call.ts";
import { queryDecode } from "../percent-encoding.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { Fields, ObjectVersion, Properties } from "../store/records.ts";

const KEPT_HEADERS = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
];
const DEFAULT_TYPE = "binary/octet-stream";
const METADATA = "x-amz-meta-";
const METADATA_MAX_BYTES = 2048;
const TAGS_MAX = 10;
const NOTHING: Fields = Object.freeze({});
const ONLY_DEFAULT_TYPE: Fields = Object.freeze({ "content-type": DEFAULT_TYPE });

/** What a write says of its object. @throws {S3Error} `MetadataTooLarge`, `InvalidTag`, `NotImplemented` */
export function propertiesOf(call: S3Call): Properties {
  requireSupported(call);
  return { headers: headersOf(call), metadata: metadataOf(call), tags: tagsOfHeader(call) };
}

/** What this server does not do it refuses, rather than to take the header and not to mean it. */
function requireSupported(call: S3Call): void {
  const { headers } = call.request.incoming;
  const unsupported = Object.keys(headers).find(
    (name) =>
      name.startsWith("x-amz-server-side-encryption") ||
      name.startsWith("x-amz-object-lock-") ||
      name === "x-amz-website-redirect-location" ||
      name === "x-amz-write-offset-bytes",
  );
  if (unsupported !== undefined) {
    throw new S3Error("NotImplemented", { details: { Header: unsupported } });
  }
  const acl = callHeader(call, "x-amz-acl") ?? "private";
  const grants = Object.keys(headers).some((name) => name.startsWith("x-amz-grant-"));
  if (grants || (acl !== "private" && acl !== "bucket-owner-full-control")) {
    throw new S3Error("AccessControlListNotSupported");
  }
  if ((callHeader(call, "x-amz-storage-class") ?? "STANDARD") !== "STANDARD") {
    throw new S3Error("InvalidStorageClass");
  }
}

/** @throws {S3Error} `AccessDenied` if the client expects another owner than ours */
export function requireExpectedOwner(call: S3Call): void {
  const expected = callHeader(call, "x-amz-expected-bucket-owner") ?? OWNER_ID;
  if (expected !== OWNER_ID) throw new S3Error("AccessDenied");
}

function headersOf(call: S3Call): Fields {
  const kept: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = callHeader(call, name);
    if (value !== undefined && value !== "") kept[name] = value;
  }
  const encoding = (kept["content-encoding"] ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "" && part !== "aws-chunked");
  delete kept["content-encoding"];
  if (encoding.length > 0) kept["content-encoding"] = encoding.join(",");
  kept["content-type"] ??= DEFAULT_TYPE;
  const isUsual = kept["content-type"] === DEFAULT_TYPE && Object.keys(kept).length === 1;
  return isUsual ? ONLY_DEFAULT_TYPE : kept;
}

function metadataOf(call: S3Call): Fields {
  const metadata: Record<string, string> = {};
  let size = 0;
  for (const name of Object.keys(call.request.incoming.headers)) {
    if (!name.startsWith(METADATA)) continue;
    const value = callHeader(call, name) ?? "";
    const short = name.slice(METADATA.length);
    size += short.length + Buffer.byteLength(value, "latin1");
    metadata[short] = value;
  }
  if (size > METADATA_MAX_BYTES) {
    const details = { Size: String(size), MaxSizeAllowed: String(METADATA_MAX_BYTES) };
    throw new S3Error("MetadataTooLarge", { details });
  }
  return size === 0 ? NOTHING : metadata;
}

function tagsOfHeader(call: S3Call): Fields {
  const header = callHeader(call, "x-amz-tagging");
  if (header === undefined || header === "") return NOTHING;
  const pairs = header.split("&").map((pair) => {
    const equals = pair.indexOf("=");
    const key = queryDecode(equals < 0 ? pair : pair.slice(0, equals));
    const value = queryDecode(equals < 0 ? "" : pair.slice(equals + 1));
    if (key === null || value === null) throw new S3Error("InvalidTag");
    return [key, value] as const;
  });
  return validTags(pairs);
}

/** Tags within S3's limits. @throws {S3Error} `InvalidTag` */
export function validTags(pairs: readonly (readonly [key: string, value: string])[]): Fields {
  if (pairs.length > TAGS_MAX) {
    throw new S3Error("InvalidTag", { message: "Object tags cannot be greater than 10" });
  }
  const tags = new Map<string, string>();
  for (const [key, value] of pairs) {
    if (tags.has(key)) {
      throw new S3Error("InvalidTag", {
        message: "Cannot provide multiple Tags with the same key",
      });
    }
    const isValid = key !== "" && key.length <= 128 && value.length <= 256;
    if (!isValid || !isTagText(key) || !isTagText(value)) throw new S3Error("InvalidTag");
    tags.set(key, value);
  }
  return Object.fromEntries(tags);
}

function isTagText(text: string): boolean {
  return /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(text);
}

/** Headers of an answer that hands the object out. */
export function headersOfVersion(version: ObjectVersion, isVersioned: boolean): Fields {
  const headers: Record<string, string> = {
    etag: `"${version.etag}"`,
    "last-modified": new Date(version.modifiedMs).toUTCString(),
    "accept-ranges": "bytes",
    ...version.headers,
  };
  for (const [name, value] of Object.entries(version.metadata)) headers[METADATA + name] = value;
  const tagCount = Object.keys(version.tags).length;
  if (tagCount > 0) headers["x-amz-tagging-count"] = String(tagCount);
  if (isVersioned) headers["x-amz-version-id"] = version.versionId;
  return headers;
}

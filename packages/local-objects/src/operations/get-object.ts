import {
  type Answer,
  bucketOf,
  callHeader,
  keyOf,
  type S3Call,
  type StreamedBody,
} from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import { type ByteRange, SMALL_BYTES } from "../store/file-store.ts";
import type { Fields, ObjectVersion } from "../store/records.ts";
import { rangeOf } from "./byte-range.ts";
import { notModified, readConditionOutcome } from "./conditions.ts";
import { headersOfVersion } from "./properties.ts";
import { checksumHeaders, isVersioned, objectFor } from "./versions.ts";

/** Hands out an object, a range or a part of it. For HEAD too: the server leaves the body out. */
export function getObject(call: S3Call): Answer {
  const { request } = call;
  const bucket = bucketOf(call);
  const version = objectFor(bucket, keyOf(call), request.query.get("versionId"));
  if (readConditionOutcome(call, version) === "not-modified") return notModified(version);
  const partNumber = request.query.get("partNumber");
  const range =
    partNumber === undefined
      ? rangeOf(callHeader(call, "range"), version.sizeBytes)
      : rangeOfPart(version, Number(partNumber));
  const whole = { first: 0, last: version.sizeBytes - 1 };
  const { first, last } = range ?? whole;
  const isWhole = first === 0 && last === whole.last;
  const wantsChecksum = callHeader(call, "x-amz-checksum-mode")?.toUpperCase() === "ENABLED";
  const headers = {
    ...headersOfVersion(version, isVersioned(bucket)),
    ...(range === null ? {} : { "content-range": `bytes ${first}-${last}/${version.sizeBytes}` }),
    ...(wantsChecksum && isWhole ? checksumHeaders(version) : {}),
    ...(partNumber === undefined ? {} : partsCount(version)),
    ...overrides(call),
  };
  return {
    status: range === null ? 200 : 206,
    headers,
    body: bodyOf(call, version, { first, last }),
  };
}

function bodyOf(call: S3Call, version: ObjectVersion, range: ByteRange): Buffer | StreamedBody {
  const { files } = call.services.database;
  const sizeBytes = range.last - range.first + 1;
  if (call.request.method === "HEAD")
    return { sizeBytes, blocks: nothing(), close: () => undefined };
  if (sizeBytes <= SMALL_BYTES) return files.readWhole(version.extents, range);
  return { sizeBytes, ...files.lease(version.extents, range) };
}

async function* nothing(): AsyncGenerator<Buffer> {
  // HEAD tells the length of a body it does not send.
}

function partsCount({ parts }: ObjectVersion): Fields {
  return parts === null ? {} : { "x-amz-mp-parts-count": String(parts.length) };
}

function rangeOfPart(version: ObjectVersion, partNumber: number): ByteRange | null {
  if (version.parts === null && partNumber === 1) {
    return version.sizeBytes === 0 ? null : { first: 0, last: version.sizeBytes - 1 };
  }
  let first = 0;
  for (const part of version.parts ?? []) {
    if (part.number === partNumber) return { first, last: first + part.sizeBytes - 1 };
    first += part.sizeBytes;
  }
  throw new S3Error("InvalidPartNumber");
}

/** `response-content-type` and the like, which presigned links use. */
function overrides({ request }: S3Call): Fields {
  const headers: Record<string, string> = {};
  for (const [name, value] of request.query.pairs) {
    if (name.startsWith("response-")) headers[name.slice("response-".length)] = value;
  }
  return headers;
}

/** Copies within the server: whole objects, and ranges as parts of an upload. */
import type { Checksum, ChecksumAlgorithm } from "../checksum/checksum.ts";
import {
  type Answer,
  bucketOf,
  callHeader,
  isoSeconds,
  keyOf,
  type S3Call,
  xmlAnswer,
} from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { ByteRange } from "../store/file-store.ts";
import type { ObjectVersion, Properties } from "../store/records.ts";
import { xmlDocument, type XmlNode } from "../xml/write-xml.ts";
import { writeConditionOf } from "./conditions.ts";
import { copyRange, copySourceOf, type CopySource, digestOf } from "./copy-source.ts";
import { commitPart, partNumberOf, uploadOf } from "./multipart.ts";
import { propertiesOf } from "./properties.ts";
import { algorithmNamed } from "./put-object.ts";
import { checksumHeaders, commitVersion } from "./versions.ts";

const COPY_MAX_BYTES = 5 * 1024 ** 3;

export async function copyObject(call: S3Call): Promise<Answer> {
  const bucket = bucketOf(call).name;
  const key = keyOf(call);
  const source = copySourceOf(call);
  const properties = copiedProperties(call, source);
  const condition = writeConditionOf(call);
  requireCopySize(source.version.sizeBytes);
  const { files } = call.services.database;
  const whole = { first: 0, last: source.version.sizeBytes - 1 };
  // Held, so that the source may be deleted meanwhile.
  const lease = files.lease(source.version.extents, whole);
  try {
    const wanted = algorithmNamed(call, "x-amz-checksum-algorithm") ?? null;
    const digests = await digestsOfCopy(source.version, wanted, lease.blocks);
    const extents = await files.duplicate(source.version.extents);
    const { sizeBytes } = source.version;
    const { version, headers } = await commitVersion(
      call,
      { key, ...properties, sizeBytes, ...digests, extents, parts: null },
      { bucket, condition, event: "Copy", extents },
    );
    const document = xmlDocument("CopyObjectResult", [
      ["LastModified", isoSeconds(version.modifiedMs)],
      ["ETag", `"${version.etag}"`],
      ...checksumNodes(version.checksum),
    ]);
    return xmlAnswer(document, { ...headers, ...source.headers, ...checksumHeaders(version) });
  } finally {
    lease.close();
  }
}

/** The copy is one piece, whatever the source was: only a source in one piece lends its digests. */
async function digestsOfCopy(
  version: ObjectVersion,
  wanted: ChecksumAlgorithm | null,
  blocks: AsyncIterable<Buffer>,
): Promise<Pick<ObjectVersion, "checksum" | "etag">> {
  const algorithm = wanted ?? version.checksum?.algorithm ?? null;
  const isKnown = version.parts === null && (version.checksum?.algorithm ?? null) === algorithm;
  if (isKnown) return { etag: version.etag, checksum: version.checksum };
  const { md5, checksum } = await digestOf(blocks, algorithm, async () => undefined);
  return { etag: md5, checksum: checksum === null ? null : { ...checksum, type: "FULL_OBJECT" } };
}

function copiedProperties(call: S3Call, source: CopySource): Properties {
  const own = propertiesOf(call);
  const replacesMetadata = directiveOf(call, "x-amz-metadata-directive");
  const replacesTags = directiveOf(call, "x-amz-tagging-directive");
  const isItself = source.bucket === call.request.bucket && source.version.key === keyOf(call);
  if (
    isItself &&
    !replacesMetadata &&
    !(call.request.incoming.headers["x-amz-copy-source"] ?? "").includes("?versionId=")
  ) {
    throw new S3Error("InvalidRequest", {
      message:
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    });
  }
  const { headers, metadata } = replacesMetadata ? own : source.version;
  return { headers, metadata, tags: replacesTags ? own.tags : source.version.tags };
}

/** Whether the request's own values replace those of the source. */
function directiveOf(call: S3Call, header: string): boolean {
  const value = callHeader(call, header) ?? "COPY";
  if (value === "COPY" || value === "REPLACE") return value === "REPLACE";
  throw new S3Error("InvalidArgument", {
    message: `Unknown directive in ${header}`,
    details: { ArgumentName: header, ArgumentValue: value },
  });
}

export async function uploadPartCopy(call: S3Call): Promise<Answer> {
  const { start } = uploadOf(call);
  const number = partNumberOf(call);
  const source = copySourceOf(call);
  const range = sourceRangeOf(call, source.version.sizeBytes);
  requireCopySize(range.last - range.first + 1);
  const { database, now } = call.services;
  const algorithm = start.checksum?.algorithm ?? null;
  const copied = await copyRange(
    database.files,
    { extents: source.version.extents, range },
    algorithm,
  );
  const { md5: etag, sizeBytes, extents } = copied;
  const modifiedMs = now();
  const value = copied.checksum?.value ?? null;
  await commitPart(call, { number, extents, sizeBytes, etag, checksum: value, modifiedMs });
  const document = xmlDocument("CopyPartResult", [
    ["LastModified", isoSeconds(modifiedMs)],
    ["ETag", `"${etag}"`],
    algorithm === null ? null : [`Checksum${algorithm}`, value],
  ]);
  return xmlAnswer(document, source.headers);
}

function sourceRangeOf(call: S3Call, sizeBytes: number): ByteRange {
  const header = callHeader(call, "x-amz-copy-source-range");
  if (header === undefined) return { first: 0, last: sizeBytes - 1 };
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/u.exec(header) ?? [];
  const range = { first: Number(first), last: Number(last) };
  if (range.first <= range.last && range.last < sizeBytes) return range;
  throw new S3Error("InvalidArgument", {
    message: `Range specified is not valid for source object of size: ${sizeBytes}`,
    details: { ArgumentName: "x-amz-copy-source-range", ArgumentValue: header },
  });
}

function requireCopySize(sizeBytes: number): void {
  if (sizeBytes <= COPY_MAX_BYTES) return;
  throw new S3Error("InvalidRequest", {
    message: `The specified copy source is larger than the maximum allowable size for a copy source: ${COPY_MAX_BYTES}`,
  });
}

function checksumNodes(checksum: Checksum | null): readonly XmlNode[] {
  if (checksum === null) return [];
  return [
    [`Checksum${checksum.algorithm}`, checksum.value],
    ["ChecksumType", checksum.type],
  ];
}

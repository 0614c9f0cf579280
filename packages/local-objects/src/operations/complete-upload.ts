/** Makes one object of the parts a client names. */
import { createHash } from "node:crypto";
import { receiveDocument } from "../body/receive-body.ts";
import { type Checksum, checksumHeader, combineChecksums } from "../checksum/checksum.ts";
import { type Answer, bucketOf, callHeader, type S3Call, xmlAnswer } from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { StoredPart, UploadChecksum } from "../store/records.ts";
import type { Upload } from "../store/store-state.ts";
import { parseXml, type XmlElement } from "../xml/parse-xml.ts";
import { xmlDocument } from "../xml/write-xml.ts";
import { bare, writeConditionOf } from "./conditions.ts";
import { uploadOf } from "./multipart.ts";
import { commitVersion } from "./versions.ts";

const DOCUMENT_MAX_BYTES = 8 * 1024 * 1024;
const OBJECT_MAX_BYTES = 50 * 1024 ** 4;

export async function completeMultipartUpload(call: S3Call): Promise<Answer> {
  uploadOf(call);
  const condition = writeConditionOf(call);
  const text = await receiveDocument(call, {
    maxBytes: DOCUMENT_MAX_BYTES,
    checksumIsOfObject: true,
  });
  // The upload may have ended while the document arrived.
  const upload = uploadOf(call);
  const parts = chosenParts(upload, text, call.services.limits.minPartBytes);
  const checksum = requireChecksum(call, upload.start.checksum, parts);
  const { key, headers, metadata, tags } = upload.start;
  const { version, headers: versionHeaders } = await commitVersion(
    call,
    {
      key,
      headers,
      metadata,
      tags,
      sizeBytes: requireSize(call, parts),
      etag: etagOf(parts),
      extents: parts.flatMap((part) => part.extents),
      checksum,
      parts: parts.map(({ number, sizeBytes, checksum: value }) => ({
        number,
        sizeBytes,
        checksum: value,
      })),
    },
    {
      bucket: bucketOf(call).name,
      condition,
      event: "CompleteMultipartUpload",
      upload: upload.start,
      extents: [],
    },
  );
  const document = xmlDocument("CompleteMultipartUploadResult", [
    ["Location", call.request.path],
    ["Bucket", call.request.bucket],
    ["Key", key],
    ["ETag", `"${version.etag}"`],
    checksum === null ? null : [`Checksum${checksum.algorithm}`, checksum.value],
    checksum === null ? null : ["ChecksumType", checksum.type],
  ]);
  return xmlAnswer(document, versionHeaders);
}

/** The MD5 of the parts' MD5s, and how many they are. */
function etagOf(parts: readonly StoredPart[]): string {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part.etag, "hex");
  return `${hash.digest("hex")}-${parts.length}`;
}

/** The stored parts that the document names, in order. */
function chosenParts(upload: Upload, text: string, minBytes: number): readonly StoredPart[] {
  const root = parseXml(text);
  const named = root?.name === "CompleteMultipartUpload" ? root.all("Part") : [];
  if (named.length === 0) throw new S3Error("MalformedXML");
  let before = 0;
  const parts = named.map((element) => {
    const number = Number(element.textOf("PartNumber"));
    if (!Number.isInteger(number)) throw new S3Error("MalformedXML");
    if (number <= before) throw new S3Error("InvalidPartOrder");
    before = number;
    return chosenPart(upload, element, number);
  });
  const small = parts.slice(0, -1).find((part) => part.sizeBytes < minBytes);
  if (small === undefined) return parts;
  throw new S3Error("EntityTooSmall", {
    details: {
      ProposedSize: String(small.sizeBytes),
      MinSizeAllowed: String(minBytes),
      PartNumber: String(small.number),
      ETag: small.etag,
    },
  });
}

function chosenPart(upload: Upload, element: XmlElement, number: number): StoredPart {
  const part = upload.parts.get(number);
  const etag = bare(element.textOf("ETag") ?? "");
  const algorithm = upload.start.checksum?.algorithm;
  const checksum = algorithm === undefined ? undefined : element.textOf(`Checksum${algorithm}`);
  const isSame = part?.etag === etag && (checksum === undefined || checksum === part.checksum);
  if (part !== undefined && isSame) return part;
  const details = { UploadId: upload.start.uploadId, PartNumber: String(number), ETag: etag };
  throw new S3Error("InvalidPart", { details });
}

function requireSize(call: S3Call, parts: readonly StoredPart[]): number {
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (sizeBytes > OBJECT_MAX_BYTES) throw new S3Error("EntityTooLarge");
  const claimed = callHeader(call, "x-amz-mp-object-size");
  if (claimed === undefined || Number(claimed) === sizeBytes) return sizeBytes;
  throw new S3Error("InvalidRequest", {
    message: `The provided 'x-amz-mp-object-size' header value ${claimed} does not match what was computed: ${sizeBytes}`,
  });
}

function requireChecksum(
  call: S3Call,
  upload: UploadChecksum | null,
  parts: readonly StoredPart[],
): Checksum | null {
  if (upload === null) return null;
  const { algorithm, type } = upload;
  const shares = parts.map((part) => ({ value: part.checksum ?? "", sizeBytes: part.sizeBytes }));
  const checksum = combineChecksums(algorithm, type, shares);
  const given = callHeader(call, checksumHeader(algorithm));
  if (given === undefined || given === checksum.value) return checksum;
  throw new S3Error("BadDigest", {
    message: `The ${algorithm.toLowerCase()} you specified did not match the calculated checksum.`,
  });
}

/** Uploads in parts: begin, add, list, finish, give up. */
import { randomBytes } from "node:crypto";
import { receiveBody } from "../body/receive-body.ts";
import { checksumHeader, checksumTypesOf } from "../checksum/checksum.ts";
import {
  type Answer,
  bucketNamed,
  bucketOf,
  callHeader,
  isoSeconds,
  keyOf,
  OWNER_ID,
  type S3Call,
  xmlAnswer,
} from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { Fields, StoredPart, UploadChecksum } from "../store/records.ts";
import type { Upload } from "../store/store-state.ts";
import { xmlDocument, type XmlNode } from "../xml/write-xml.ts";
import { listParametersOf } from "./list-parameters.ts";
import { propertiesOf } from "./properties.ts";
import { algorithmNamed } from "./put-object.ts";

const PARTS_MAX = 10_000;

export async function createMultipartUpload(call: S3Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const key = keyOf(call);
  const checksum = uploadChecksumOf(call);
  const uploadId = randomBytes(48).toString("base64url");
  const startedMs = call.services.now();
  await call.services.database.commit({
    type: "upload",
    bucket: bucket.name,
    upload: { uploadId, key, startedMs, checksum, ...propertiesOf(call) },
  });
  const document = xmlDocument("InitiateMultipartUploadResult", [
    ["Bucket", bucket.name],
    ["Key", key],
    ["UploadId", uploadId],
  ]);
  return xmlAnswer(
    document,
    checksum === null
      ? {}
      : {
          "x-amz-checksum-algorithm": checksum.algorithm,
          "x-amz-checksum-type": checksum.type,
        },
  );
}

function uploadChecksumOf(call: S3Call): UploadChecksum | null {
  const algorithm = algorithmNamed(call, "x-amz-checksum-algorithm") ?? null;
  const wanted = callHeader(call, "x-amz-checksum-type");
  if (algorithm === null) {
    if (wanted === undefined) return null;
    throw new S3Error("InvalidRequest", {
      message:
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
    });
  }
  const [usual = "COMPOSITE", ...others] = checksumTypesOf(algorithm);
  const type = [usual, ...others].find((candidate) => candidate === (wanted ?? usual));
  if (type !== undefined) return { algorithm, type };
  throw new S3Error("InvalidRequest", {
    message: `The ${wanted} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  });
}

/** The upload the call names. @throws {S3Error} `NoSuchUpload` */
export function uploadOf(call: S3Call): Upload {
  const uploadId = call.request.query.get("uploadId") ?? "";
  const upload = bucketOf(call).uploads.get(uploadId);
  if (upload !== undefined && upload.start.key === keyOf(call)) return upload;
  throw new S3Error("NoSuchUpload", { details: { UploadId: uploadId } });
}

/** @throws {S3Error} `InvalidArgument` */
export function partNumberOf(call: S3Call): number {
  const text = call.request.query.get("partNumber") ?? "";
  const number = /^\d{1,5}$/u.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= PARTS_MAX) return number;
  throw new S3Error("InvalidArgument", {
    message: "Part number must be an integer between 1 and 10000, inclusive",
    details: { ArgumentName: "partNumber", ArgumentValue: text },
  });
}

export async function uploadPart(call: S3Call): Promise<Answer> {
  const { start } = uploadOf(call);
  const number = partNumberOf(call);
  const { services } = call;
  const body = await receiveBody(call, services.database.files, {
    maxBytes: services.limits.maxBodyBytes,
    algorithm: start.checksum?.algorithm,
  });
  const { checksum } = body;
  const isOther = start.checksum !== null && checksum?.algorithm !== start.checksum.algorithm;
  if (isOther) {
    services.database.files.release(body.extents);
    throw new S3Error("InvalidRequest", {
      message: `Checksum Type mismatch occurred, expected checksum Type: ${start.checksum?.algorithm.toLowerCase()}, actual checksum Type: ${checksum?.algorithm.toLowerCase()}`,
    });
  }
  const { extents, sizeBytes, md5: etag } = body;
  const value = start.checksum === null ? null : (checksum?.value ?? null);
  await commitPart(call, {
    number,
    extents,
    sizeBytes,
    etag,
    checksum: value,
    modifiedMs: services.now(),
  });
  const headers: Fields =
    checksum === null ? {} : { [checksumHeader(checksum.algorithm)]: checksum.value };
  return { status: 200, headers: { etag: `"${etag}"`, ...headers } };
}

/** Adds a part, unless the upload ended while the part was on its way. @throws {S3Error} `NoSuchUpload` */
export async function commitPart(call: S3Call, part: StoredPart): Promise<void> {
  const { database } = call.services;
  try {
    uploadOf(call);
  } catch (error) {
    database.files.release(part.extents);
    throw error;
  }
  const uploadId = call.request.query.get("uploadId") ?? "";
  await database.commit({ type: "part", bucket: call.request.bucket ?? "", uploadId, part });
}

export async function abortMultipartUpload(call: S3Call): Promise<Answer> {
  const { start } = uploadOf(call);
  const { database } = call.services;
  const bucket = bucketNamed(call.services, call.request.bucket ?? "").name;
  await database.commit({ type: "upload-gone", bucket, uploadId: start.uploadId });
  return { status: 204, headers: {} };
}

export function listParts(call: S3Call): Answer {
  const { start, parts } = uploadOf(call);
  const { max, encode, encodingType } = listParametersOf(call, "max-parts");
  const marker = Number(call.request.query.get("part-number-marker") ?? 0);
  const all = [...parts.values()].toSorted((a, b) => a.number - b.number);
  const rest = all.filter((part) => part.number > marker);
  const page = rest.slice(0, max);
  return xmlAnswer(
    xmlDocument("ListPartsResult", [
      ["Bucket", call.request.bucket],
      ["Key", encode(start.key)],
      ["EncodingType", encodingType],
      ["UploadId", start.uploadId],
      ["Initiator", [["ID", OWNER_ID]]],
      ["Owner", [["ID", OWNER_ID]]],
      ["StorageClass", "STANDARD"],
      ["PartNumberMarker", marker],
      ["NextPartNumberMarker", page.at(-1)?.number],
      ["MaxParts", max],
      ["IsTruncated", page.length < rest.length],
      ["ChecksumAlgorithm", start.checksum?.algorithm],
      ["ChecksumType", start.checksum?.type],
      ...page.map((part) => partNode(part, start.checksum)),
    ]),
  );
}

function partNode(part: StoredPart, checksum: UploadChecksum | null): XmlNode {
  return [
    "Part",
    [
      ["PartNumber", part.number],
      ["LastModified", isoSeconds(part.modifiedMs)],
      ["ETag", `"${part.etag}"`],
      ["Size", part.sizeBytes],
      checksum === null ? null : [`Checksum${checksum.algorithm}`, part.checksum],
    ],
  ];
}

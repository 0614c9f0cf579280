import { type Answer, bucketOf, callHeader, keyOf, type S3Call, xmlAnswer } from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { FinishedPart, ObjectVersion } from "../store/records.ts";
import { xmlDocument, type XmlNode } from "../xml/write-xml.ts";
import { isVersioned, objectFor } from "./versions.ts";

const ATTRIBUTES = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"] as const;
const PARTS_MAX = 1000;

/** Tells chosen facts of an object without handing it out. */
export function getObjectAttributes(call: S3Call): Answer {
  const bucket = bucketOf(call);
  const version = objectFor(bucket, keyOf(call), call.request.query.get("versionId"));
  const wanted = (callHeader(call, "x-amz-object-attributes") ?? "").split(",");
  const names = ATTRIBUTES.filter((name) => wanted.some((word) => word.trim() === name));
  if (names.length === 0 || names.length < wanted.length) {
    throw new S3Error("InvalidArgument", { message: "Invalid attribute name specified." });
  }
  const nodes = names.map((name): XmlNode => [name, attributeOf(call, version, name)]);
  return xmlAnswer(xmlDocument("GetObjectAttributesResponse", nodes), {
    "last-modified": new Date(version.modifiedMs).toUTCString(),
    ...(isVersioned(bucket) ? { "x-amz-version-id": version.versionId } : {}),
  });
}

function attributeOf(
  call: S3Call,
  version: ObjectVersion,
  name: (typeof ATTRIBUTES)[number],
): string | number | readonly XmlNode[] | null {
  if (name === "ETag") return version.etag;
  if (name === "StorageClass") return "STANDARD";
  if (name === "ObjectSize") return version.sizeBytes;
  if (name === "ObjectParts") return version.parts === null ? null : partsOf(call, version);
  const { checksum } = version;
  if (checksum === null) return null;
  return [
    [`Checksum${checksum.algorithm}`, checksum.value],
    ["ChecksumType", checksum.type],
  ];
}

function partsOf(call: S3Call, { parts, checksum }: ObjectVersion): readonly XmlNode[] {
  const all = parts ?? [];
  const marker = Number(callHeader(call, "x-amz-part-number-marker") ?? 0);
  const max = Math.min(Number(callHeader(call, "x-amz-max-parts") ?? PARTS_MAX), PARTS_MAX);
  const rest = all.filter((part) => part.number > marker);
  const page = rest.slice(0, max);
  return [
    ["PartsCount", all.length],
    ["PartNumberMarker", marker],
    ["NextPartNumberMarker", page.at(-1)?.number],
    ["MaxParts", max],
    ["IsTruncated", page.length < rest.length],
    // Like S3: single parts are told only where each has a checksum.
    ...(checksum === null ? [] : page.map((part) => partNode(part, checksum.algorithm))),
  ];
}

function partNode({ number, sizeBytes, checksum }: FinishedPart, algorithm: string): XmlNode {
  return [
    "Part",
    [
      ["PartNumber", number],
      ["Size", sizeBytes],
      [`Checksum${algorithm}`, checksum],
    ],
  ];
}

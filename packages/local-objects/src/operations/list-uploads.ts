/** Uploads in parts that are under way. */
import { type Answer, bucketOf, isoSeconds, OWNER_ID, type S3Call, xmlAnswer } from "../s3/call.ts";
import { compareKeys } from "../store/key-order.ts";
import type { UploadStart } from "../store/records.ts";
import { xmlDocument, type XmlNode } from "../xml/write-xml.ts";
import { type ListParameters, listParametersOf } from "./list-parameters.ts";

export function listMultipartUploads(call: S3Call): Answer {
  const parameters = listParametersOf(call, "max-uploads");
  const { prefix, delimiter, max, encode, encodingType } = parameters;
  const { query, bucket } = call.request;
  const keyMarker = query.get("key-marker") ?? "";
  const idMarker = query.get("upload-id-marker") ?? "";
  const behind = [...bucketOf(call).uploads.values()]
    .map(({ start }) => start)
    .filter((start) => start.key.startsWith(prefix) && isBehind(start, keyMarker, idMarker))
    .toSorted(inOrder);
  const { uploads, prefixes } = grouped(behind, parameters);
  const page = uploads.slice(0, max);
  const last = page.at(-1);
  const isTruncated = page.length < uploads.length;
  return xmlAnswer(
    xmlDocument("ListMultipartUploadsResult", [
      ["Bucket", bucket],
      ["KeyMarker", encode(keyMarker)],
      ["UploadIdMarker", idMarker],
      ["NextKeyMarker", isTruncated && last !== undefined ? encode(last.key) : null],
      ["NextUploadIdMarker", isTruncated ? last?.uploadId : null],
      ["Prefix", encode(prefix)],
      ["Delimiter", delimiter === "" ? null : encode(delimiter)],
      ["EncodingType", encodingType],
      ["MaxUploads", max],
      ["IsTruncated", isTruncated],
      ...page.map((start) => uploadNode(start, encode)),
      ...prefixes.map((common): XmlNode => ["CommonPrefixes", [["Prefix", encode(common)]]]),
    ]),
  );
}

function inOrder(a: UploadStart, b: UploadStart): number {
  if (a.key !== b.key) return compareKeys(a.key, b.key);
  return a.uploadId < b.uploadId ? -1 : 1;
}

function isBehind(start: UploadStart, keyMarker: string, idMarker: string): boolean {
  const order = compareKeys(start.key, keyMarker);
  return order > 0 || (order === 0 && idMarker !== "" && start.uploadId > idMarker);
}

function grouped(
  starts: readonly UploadStart[],
  { prefix, delimiter }: ListParameters,
): { readonly uploads: readonly UploadStart[]; readonly prefixes: readonly string[] } {
  if (delimiter === "") return { uploads: starts, prefixes: [] };
  const prefixes = new Set<string>();
  const uploads = starts.filter(({ key }) => {
    const at = key.indexOf(delimiter, prefix.length);
    if (at >= 0) prefixes.add(key.slice(0, at + delimiter.length));
    return at < 0;
  });
  return { uploads, prefixes: [...prefixes] };
}

function uploadNode(start: UploadStart, encode: ListParameters["encode"]): XmlNode {
  return [
    "Upload",
    [
      ["Key", encode(start.key)],
      ["UploadId", start.uploadId],
      ["Initiator", [["ID", OWNER_ID]]],
      ["Owner", [["ID", OWNER_ID]]],
      ["StorageClass", "STANDARD"],
      ["Initiated", isoSeconds(start.startedMs)],
      ["ChecksumAlgorithm", start.checksum?.algorithm],
      ["ChecksumType", start.checksum?.type],
    ],
  ];
}

/** ListObjects in both versions. */
import { type Answer, bucketOf, isoSeconds, OWNER_ID, type S3Call, xmlAnswer } from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { KeyEntry } from "../store/store-state.ts";
import { xmlDocument, type XmlNode } from "../xml/write-xml.ts";
import { listPage, type Page, type PageMark } from "./list-page.ts";
import { type ListParameters, listParametersOf } from "./list-parameters.ts";

export function listObjectsV2(call: S3Call): Answer {
  const { query } = call.request;
  const parameters = listParametersOf(call);
  const token = query.get("continuation-token");
  const startAfter = query.get("start-after");
  const after = token === undefined ? markOf(startAfter) : markOfToken(token);
  const page = pageOf(call, parameters, after);
  return xmlAnswer(
    xmlDocument("ListBucketResult", [
      ...headNodes(call, parameters, page),
      ["KeyCount", page.entries.length + page.commonPrefixes.length],
      ["ContinuationToken", token],
      ["NextContinuationToken", page.next === null ? null : tokenOf(page.next)],
      ["StartAfter", startAfter === undefined ? null : parameters.encode(startAfter)],
      ...contentNodes(page, parameters, query.get("fetch-owner") === "true"),
    ]),
  );
}

export function listObjectsV1(call: S3Call): Answer {
  const parameters = listParametersOf(call);
  const marker = call.request.query.get("marker");
  const page = pageOf(call, parameters, markOf(marker));
  // S3 names the next marker only where the client could not: with a delimiter.
  const next = parameters.delimiter === "" ? null : page.next;
  return xmlAnswer(
    xmlDocument("ListBucketResult", [
      ...headNodes(call, parameters, page),
      ["Marker", parameters.encode(marker ?? "")],
      ["NextMarker", next === null ? null : parameters.encode(next.key)],
      ...contentNodes(page, parameters, true),
    ]),
  );
}

function pageOf(call: S3Call, parameters: ListParameters, after: PageMark | null): Page {
  const { prefix, delimiter, max } = parameters;
  const { keys } = bucketOf(call);
  if (call.listFault === "empty") return { entries: [], commonPrefixes: [], next: null };
  const page = listPage(keys, { prefix, delimiter, max, after, accepts: isPresent });
  return call.listFault === null ? page : { ...page, entries: page.entries.toReversed() };
}

function isPresent({ versions }: KeyEntry): boolean {
  return versions[0]?.isDeleteMarker === false;
}

function headNodes(call: S3Call, parameters: ListParameters, page: Page): readonly XmlNode[] {
  const { prefix, delimiter, max, encode, encodingType } = parameters;
  return [
    ["Name", call.request.bucket],
    ["Prefix", encode(prefix)],
    ["MaxKeys", max],
    ["Delimiter", delimiter === "" ? null : encode(delimiter)],
    ["EncodingType", encodingType],
    ["IsTruncated", page.next !== null],
  ];
}

function contentNodes(
  page: Page,
  { encode }: ListParameters,
  withOwner: boolean,
): readonly XmlNode[] {
  return [
    ...page.entries.map((entry): XmlNode => contents(entry, encode, withOwner)),
    ...page.commonPrefixes.map(
      (prefix): XmlNode => ["CommonPrefixes", [["Prefix", encode(prefix)]]],
    ),
  ];
}

function contents(entry: KeyEntry, encode: ListParameters["encode"], withOwner: boolean): XmlNode {
  const [version] = entry.versions;
  if (version === undefined) return null;
  return [
    "Contents",
    [
      ["Key", encode(entry.key)],
      ["LastModified", isoSeconds(version.modifiedMs)],
      ["ETag", `"${version.etag}"`],
      ["ChecksumAlgorithm", version.checksum?.algorithm],
      ["ChecksumType", version.checksum?.type],
      ["Size", version.sizeBytes],
      withOwner ? ["Owner", [["ID", OWNER_ID]]] : null,
      ["StorageClass", "STANDARD"],
    ],
  ];
}

function markOf(key: string | undefined): PageMark | null {
  return key === undefined || key === "" ? null : { key, isPrefix: false };
}

/** Opaque to clients. */
function tokenOf({ key, isPrefix }: PageMark): string {
  return Buffer.from(`${isPrefix ? "p" : "k"}${key}`).toString("base64");
}

function markOfToken(token: string): PageMark {
  const text = Buffer.from(token, "base64").toString("utf8");
  if (/^[pk]/u.test(text)) return { key: text.slice(1), isPrefix: text.startsWith("p") };
  throw new S3Error("InvalidArgument", {
    message: "The continuation token provided is incorrect",
    details: { ArgumentName: "continuation-token" },
  });
}

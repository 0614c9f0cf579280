/** Every version and delete marker, in key order, the newest of a key first. */
import { type Answer, bucketOf, isoSeconds, OWNER_ID, type S3Call, xmlAnswer } from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { KeyIndex } from "../store/key-index.ts";
import type { ObjectVersion } from "../store/records.ts";
import type { KeyEntry } from "../store/store-state.ts";
import { xmlDocument, type XmlNode } from "../xml/write-xml.ts";
import { type ListParameters, listParametersOf } from "./list-parameters.ts";

/** Where a page ended: at a version, or at everything below a common prefix. */
interface VersionMark {
  readonly key: string;
  /** Null for the whole key, or the whole prefix. */
  readonly versionId: string | null;
}

interface Item {
  readonly mark: VersionMark;
  readonly node: XmlNode;
}

export function listObjectVersions(call: S3Call): Answer {
  const parameters = listParametersOf(call);
  const { prefix, delimiter, max, encode, encodingType } = parameters;
  const { query, bucket } = call.request;
  const keyMarker = query.get("key-marker") ?? "";
  const versionMarker = query.get("version-id-marker") ?? "";
  if (versionMarker !== "" && keyMarker === "") {
    throw new S3Error("InvalidArgument", {
      message: "A version-id marker cannot be specified without a key marker.",
    });
  }
  const page: Item[] = [];
  let next: VersionMark | null = null;
  const items = itemsBehind(bucketOf(call).keys, parameters, { keyMarker, versionMarker });
  for (const item of max === 0 ? [] : items) {
    if (page.length === max) {
      next = page.at(-1)?.mark ?? null;
      break;
    }
    page.push(item);
  }
  return xmlAnswer(
    xmlDocument("ListVersionsResult", [
      ["Name", bucket],
      ["Prefix", encode(prefix)],
      ["KeyMarker", encode(keyMarker)],
      ["VersionIdMarker", versionMarker],
      ["NextKeyMarker", next === null ? null : encode(next.key)],
      ["NextVersionIdMarker", next?.versionId],
      ["MaxKeys", max],
      ["Delimiter", delimiter === "" ? null : encode(delimiter)],
      ["EncodingType", encodingType],
      ["IsTruncated", next !== null],
      ...page.map(({ node }) => node),
    ]),
  );
}

function* itemsBehind(
  keys: KeyIndex<KeyEntry>,
  parameters: ListParameters,
  { keyMarker, versionMarker }: { readonly keyMarker: string; readonly versionMarker: string },
): Generator<Item> {
  const { prefix, delimiter, encode } = parameters;
  const from = keyMarker > prefix && keyMarker.startsWith(prefix) ? keyMarker : prefix;
  let position = keys.seek(from);
  for (;;) {
    const entry = keys.at(position);
    if (entry === undefined || !entry.key.startsWith(prefix)) return;
    const at = delimiter === "" ? -1 : entry.key.indexOf(delimiter, prefix.length);
    if (at >= 0) {
      const common = entry.key.slice(0, at + delimiter.length);
      const node: XmlNode = ["CommonPrefixes", [["Prefix", encode(common)]]];
      if (common !== keyMarker) yield { mark: { key: common, versionId: null }, node };
      position = keys.seekBehindPrefix(common);
      continue;
    }
    yield* versionsBehind(entry, encode, entry.key === keyMarker ? versionMarker : null);
    position = keys.next(position);
  }
}

/** `after` is null for all, empty for none, else the version that was the last one listed. */
function* versionsBehind(
  { key, versions }: KeyEntry,
  encode: ListParameters["encode"],
  after: string | null,
): Generator<Item> {
  if (after === "") return;
  const skipped = after === null ? -1 : versions.findIndex(({ versionId }) => versionId === after);
  for (const [index, version] of versions.entries()) {
    if (index <= skipped) continue;
    const node = versionNode(version, encode, index === 0);
    yield { mark: { key, versionId: version.versionId }, node };
  }
}

function versionNode(
  version: ObjectVersion,
  encode: ListParameters["encode"],
  isLatest: boolean,
): XmlNode {
  const common: readonly XmlNode[] = [
    ["Key", encode(version.key)],
    ["VersionId", version.versionId],
    ["IsLatest", isLatest],
    ["LastModified", isoSeconds(version.modifiedMs)],
    ["Owner", [["ID", OWNER_ID]]],
  ];
  if (version.isDeleteMarker) return ["DeleteMarker", common];
  return [
    "Version",
    [
      ...common,
      ["ETag", `"${version.etag}"`],
      ["ChecksumAlgorithm", version.checksum?.algorithm],
      ["ChecksumType", version.checksum?.type],
      ["Size", version.sizeBytes],
      ["StorageClass", "STANDARD"],
    ],
  ];
}

/** Deleting: one object, one version, or a batch. */
import { receiveDocument } from "../body/receive-body.ts";
import {
  type Answer,
  bucketOf,
  callHeader,
  keyOf,
  publishEvent,
  type S3Call,
  xmlAnswer,
} from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { Fields, ObjectVersion } from "../store/records.ts";
import type { Bucket } from "../store/store-state.ts";
import { parseXml } from "../xml/parse-xml.ts";
import { xmlDocument, type XmlNode } from "../xml/write-xml.ts";
import { bare, requireCondition, type WriteCondition } from "./conditions.ts";
import { currentObject, isVersioned, newVersionId, requireVersionForm } from "./versions.ts";

const BATCH_MAX = 1000;
const BATCH_MAX_BYTES = 2 * 1024 * 1024;

interface Deletion {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly condition: WriteCondition;
}

/** What came of it: the version removed or the marker made, if versions are kept. */
interface Deleted {
  readonly versionId: string | null;
  readonly isDeleteMarker: boolean;
}

export async function deleteObject(call: S3Call): Promise<Answer> {
  const ifMatch = callHeader(call, "if-match");
  const deleted = await deleteOne(call, bucketOf(call), {
    key: keyOf(call),
    versionId: call.request.query.get("versionId"),
    condition: ifMatch === undefined ? { kind: "none" } : { kind: "match", etag: bare(ifMatch) },
  });
  return { status: 204, headers: headersOf(deleted) };
}

function headersOf({ versionId, isDeleteMarker }: Deleted): Fields {
  return {
    ...(versionId === null ? {} : { "x-amz-version-id": versionId }),
    ...(isDeleteMarker ? { "x-amz-delete-marker": "true" } : {}),
  };
}

async function deleteOne(call: S3Call, bucket: Bucket, deletion: Deletion): Promise<Deleted> {
  const { key, versionId, condition } = deletion;
  if (versionId !== undefined) return deleteVersion(call, bucket, deletion);
  const current = currentObject(bucket, key);
  requireCondition(condition, current, key);
  if (isVersioned(bucket)) return markDeleted(call, bucket, key);
  if (current === null) return { versionId: null, isDeleteMarker: false };
  await remove(call, bucket, current);
  publish(call, bucket, "Delete", current);
  return { versionId: null, isDeleteMarker: false };
}

async function deleteVersion(call: S3Call, bucket: Bucket, deletion: Deletion): Promise<Deleted> {
  const { key, condition, versionId = "" } = deletion;
  requireVersionForm(versionId);
  const versions = bucket.keys.get(key)?.versions ?? [];
  const version = versions.find((candidate) => candidate.versionId === versionId) ?? null;
  requireCondition(condition, version, key);
  if (version === null) return { versionId, isDeleteMarker: false };
  await remove(call, bucket, version);
  publish(call, bucket, "Delete", version);
  return { versionId, isDeleteMarker: version.isDeleteMarker };
}

async function remove(call: S3Call, bucket: Bucket, version: ObjectVersion): Promise<void> {
  const { key, versionId } = version;
  const { database } = call.services;
  await database.commit({ type: "version-gone", bucket: bucket.name, key, versionId });
}

/** Puts a delete marker on top; where versioning is suspended it takes the place of the `null` version. */
async function markDeleted(call: S3Call, bucket: Bucket, key: string): Promise<Deleted> {
  const { database, now } = call.services;
  const versionId = bucket.versioning === "Enabled" ? newVersionId() : "null";
  const version: ObjectVersion = {
    key,
    versionId,
    isDeleteMarker: true,
    sequence: database.files.nextNumber(),
    modifiedMs: now(),
    sizeBytes: 0,
    etag: "",
    extents: [],
    headers: {},
    metadata: {},
    tags: {},
    checksum: null,
    parts: null,
  };
  await database.commit({ type: "version", bucket: bucket.name, version });
  publish(call, bucket, "DeleteMarkerCreated", version);
  return { versionId, isDeleteMarker: true };
}

function publish(call: S3Call, bucket: Bucket, event: string, version: ObjectVersion): void {
  const sequence = call.services.database.files.nextNumber();
  publishEvent(call, bucket, { name: `ObjectRemoved:${event}`, version: { ...version, sequence } });
}

/** Deletes up to 1,000 objects; what fails is told one by one. */
export async function deleteObjects(call: S3Call): Promise<Answer> {
  const bucket = bucketOf(call);
  requireDigest(call);
  const { deletions, quiet } = readBatch(
    await receiveDocument(call, { maxBytes: BATCH_MAX_BYTES }),
  );
  const results: XmlNode[] = [];
  for (const deletion of deletions) {
    const result = await deleteReported(call, bucket, deletion);
    if (result[0] === "Error" || !quiet) results.push(result);
  }
  return xmlAnswer(xmlDocument("DeleteResult", results));
}

/** A batch is too dangerous to act on if it was damaged on the way. */
function requireDigest(call: S3Call): void {
  const names = Object.keys(call.request.incoming.headers);
  if (names.includes("content-md5")) return;
  if (names.some((name) => name.startsWith("x-amz-checksum-") || name === "x-amz-trailer")) return;
  throw new S3Error("InvalidRequest", {
    message: "Missing required header for this request: Content-MD5",
  });
}

function readBatch(xml: string): {
  readonly deletions: readonly Deletion[];
  readonly quiet: boolean;
} {
  const root = parseXml(xml);
  const objects = root?.name === "Delete" ? root.all("Object") : [];
  if (objects.length === 0 || objects.length > BATCH_MAX) throw new S3Error("MalformedXML");
  const deletions = objects.map((element): Deletion => {
    const key = element.textOf("Key");
    if (key === undefined || key === "") throw new S3Error("MalformedXML");
    const etag = element.textOf("ETag");
    return {
      key,
      versionId: element.textOf("VersionId"),
      condition: etag === undefined ? { kind: "none" } : { kind: "match", etag: bare(etag) },
    };
  });
  return { deletions, quiet: root?.textOf("Quiet") === "true" };
}

async function deleteReported(
  call: S3Call,
  bucket: Bucket,
  deletion: Deletion,
): Promise<readonly [string, readonly XmlNode[]]> {
  try {
    const { versionId, isDeleteMarker } = await deleteOne(call, bucket, deletion);
    return ["Deleted", deletedNodes(deletion, versionId, isDeleteMarker)];
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return [
      "Error",
      [
        ["Key", deletion.key],
        ["VersionId", deletion.versionId],
        ["Code", error.code],
        ["Message", error.message],
      ],
    ];
  }
}

function deletedNodes(
  { key, versionId: asked }: Deletion,
  versionId: string | null,
  isDeleteMarker: boolean,
): readonly XmlNode[] {
  return [
    ["Key", key],
    ["VersionId", asked],
    ["DeleteMarker", isDeleteMarker ? true : null],
    ["DeleteMarkerVersionId", isDeleteMarker ? versionId : null],
  ];
}

/** Finding versions, and making new ones. */
import { randomBytes } from "node:crypto";
import type { ChecksumType } from "../checksum/checksum.ts";
import { checksumHeader } from "../checksum/checksum.ts";
import { bucketNamed, publishEvent, type S3Call } from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { Extent, Fields, ObjectVersion, UploadStart } from "../store/records.ts";
import type { Bucket } from "../store/store-state.ts";
import { requireCondition, type WriteCondition } from "./conditions.ts";

/** The current object; null if there is none or it is deleted. */
export function currentObject(bucket: Bucket, key: string): ObjectVersion | null {
  const newest = bucket.keys.get(key)?.versions[0];
  return newest === undefined || newest.isDeleteMarker ? null : newest;
}

export function isVersioned(bucket: Bucket): boolean {
  return bucket.versioning !== "unversioned";
}

/**
 * The object a read means: of one version if `versionId` is given, else the current one.
 * @throws {S3Error} `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed` for a delete marker
 */
export function objectFor(
  bucket: Bucket,
  key: string,
  versionId: string | undefined,
): ObjectVersion {
  const versions = bucket.keys.get(key)?.versions ?? [];
  const found =
    versionId === undefined
      ? versions[0]
      : versions.find((version) => version.versionId === versionId);
  if (found === undefined) {
    if (versionId === undefined) throw new S3Error("NoSuchKey", { details: { Key: key } });
    requireVersionForm(versionId);
    throw new S3Error("NoSuchVersion", { details: { Key: key, VersionId: versionId } });
  }
  if (!found.isDeleteMarker) return found;
  const headers = { "x-amz-delete-marker": "true", "x-amz-version-id": found.versionId };
  if (versionId === undefined) throw new S3Error("NoSuchKey", { headers, details: { Key: key } });
  const modified = new Date(found.modifiedMs).toUTCString();
  throw new S3Error("MethodNotAllowed", {
    headers: { ...headers, allow: "DELETE", "last-modified": modified },
  });
}

/** @throws {S3Error} `InvalidArgument` if no version can be called that */
export function requireVersionForm(versionId: string): void {
  if (versionId === "null" || /^[\w-]{32}$/u.test(versionId)) return;
  throw new S3Error("InvalidArgument", {
    message: "Invalid version id specified",
    details: { ArgumentName: "versionId", ArgumentValue: versionId },
  });
}

/** A version but for what only the moment of the commit decides. */
export type VersionDraft = Omit<
  ObjectVersion,
  "isDeleteMarker" | "modifiedMs" | "sequence" | "versionId"
>;

export interface CommitOptions {
  readonly bucket: string;
  readonly condition: WriteCondition;
  /** The event's name behind `ObjectCreated:`. */
  readonly event: string;
  /** The upload that ends with it. As at S3, the object is dated at its beginning. */
  readonly upload?: Pick<UploadStart, "uploadId" | "startedMs">;
  /** Files to give back if it fails; those of an upload belong to the upload. */
  readonly extents: readonly Extent[];
}

/**
 * Makes `draft` the current version, if the condition still holds. What a client is told of it.
 * @throws {S3Error} `PreconditionFailed`, `NoSuchKey`, `NoSuchBucket`
 */
export async function commitVersion(
  call: S3Call,
  draft: VersionDraft,
  options: CommitOptions,
): Promise<{ readonly version: ObjectVersion; readonly headers: Fields }> {
  const { services } = call;
  const { database } = services;
  let bucket: Bucket;
  try {
    bucket = bucketNamed(services, options.bucket);
    requireCondition(options.condition, currentObject(bucket, draft.key), draft.key);
  } catch (error) {
    database.files.release(options.extents);
    throw error;
  }
  const version: ObjectVersion = {
    ...draft,
    versionId: bucket.versioning === "Enabled" ? newVersionId() : "null",
    isDeleteMarker: false,
    sequence: database.files.nextNumber(),
    modifiedMs: options.upload?.startedMs ?? services.now(),
  };
  const { upload } = options;
  await database.commit(
    upload === undefined
      ? { type: "version", bucket: bucket.name, version }
      : { type: "upload-finished", bucket: bucket.name, uploadId: upload.uploadId, version },
  );
  publishEvent(call, bucket, { name: `ObjectCreated:${options.event}`, version });
  const headers: Fields = isVersioned(bucket) ? { "x-amz-version-id": version.versionId } : {};
  return { version, headers };
}

/** Opaque, 32 characters. */
export function newVersionId(): string {
  return randomBytes(24).toString("base64url");
}

/** Headers that tell a client its object's checksum. */
export function checksumHeaders({ checksum }: Pick<ObjectVersion, "checksum">): Fields {
  if (checksum === null) return {};
  const type: ChecksumType = checksum.type;
  return { [checksumHeader(checksum.algorithm)]: checksum.value, "x-amz-checksum-type": type };
}

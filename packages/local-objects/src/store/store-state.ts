/**
 * The store's memory: buckets, versions in order, uploads under way. A pure fold over changes, so
 * that what a restart reads from the journal is what was there before.
 */
import { KeyIndex } from "./key-index.ts";
import type {
  Change,
  Extent,
  NotificationRule,
  ObjectVersion,
  StoredPart,
  UploadStart,
  Versioning,
} from "./records.ts";

/** All versions of one key, the newest first; never empty. */
export interface KeyEntry {
  readonly key: string;
  readonly versions: ObjectVersion[];
}

/** An upload under way. */
export interface Upload {
  readonly start: UploadStart;
  readonly parts: Map<number, StoredPart>;
}

export interface Bucket {
  readonly name: string;
  readonly createdMs: number;
  readonly keys: KeyIndex<KeyEntry>;
  readonly uploads: Map<string, Upload>;
  versioning: Versioning;
  notifications: readonly NotificationRule[];
}

/** What is stored. Changed by `apply` alone. */
export class StoreState {
  readonly buckets: Map<string, Bucket> = new Map();

  /** Makes the change; returns extents that nothing refers to any more. */
  apply(change: Change): readonly Extent[] {
    if (change.type === "bucket") {
      this.buckets.set(change.bucket, newBucket(change.bucket, change.createdMs));
      return [];
    }
    const bucket = this.buckets.get(change.bucket);
    if (bucket === undefined) throw new Error(`a change of ${change.bucket}, which does not exist`);
    if (change.type === "bucket-gone") {
      this.buckets.delete(change.bucket);
      return [];
    }
    return applyToBucket(bucket, change);
  }

  /** Changes that make this state from nothing. */
  *changes(): Generator<Change> {
    for (const bucket of this.buckets.values()) yield* changesOfBucket(bucket);
  }

  /** How many changes `changes` gives, about. */
  get weight(): number {
    let weight = 0;
    for (const bucket of this.buckets.values()) weight += 1 + bucket.keys.size;
    return weight;
  }
}

function newBucket(name: string, createdMs: number): Bucket {
  const [keys, uploads] = [new KeyIndex<KeyEntry>(), new Map<string, Upload>()];
  return { name, createdMs, keys, uploads, versioning: "unversioned", notifications: [] };
}

type BucketChange = Exclude<Change, { readonly type: "bucket" | "bucket-gone" }>;

function applyToBucket(bucket: Bucket, change: BucketChange): readonly Extent[] {
  switch (change.type) {
    case "versioning":
      bucket.versioning = change.status;
      return [];
    case "notifications":
      bucket.notifications = change.rules;
      return [];
    case "version":
      return addVersion(bucket, change.version);
    case "version-gone":
      return removeVersion(bucket, change.key, change.versionId);
    case "tags":
      return retag(bucket, change);
    case "upload":
      bucket.uploads.set(change.upload.uploadId, { start: change.upload, parts: new Map() });
      return [];
    case "part":
      return addPart(bucket, change.uploadId, change.part);
    case "upload-gone":
      return removeUpload(bucket, change.uploadId, new Set());
    case "upload-finished":
      break;
  }
  const kept = new Set(change.version.extents.map((extent) => extent.file));
  const unused = removeUpload(bucket, change.uploadId, kept);
  return [...unused, ...addVersion(bucket, change.version)];
}

/** A version called `null` replaces the one of that name; others pile up. */
function addVersion(bucket: Bucket, version: ObjectVersion): readonly Extent[] {
  const entry = bucket.keys.get(version.key);
  if (entry === undefined) {
    bucket.keys.set({ key: version.key, versions: [version] });
    return [];
  }
  const replaced = entry.versions.findIndex((candidate) => isReplaced(candidate, version));
  const gone = replaced < 0 ? [] : entry.versions.splice(replaced, 1);
  entry.versions.unshift(version);
  return gone.flatMap((old) => old.extents);
}

function isReplaced(candidate: ObjectVersion, version: ObjectVersion): boolean {
  return version.versionId === "null" && candidate.versionId === "null";
}

function removeVersion(bucket: Bucket, key: string, versionId: string): readonly Extent[] {
  const entry = bucket.keys.get(key);
  const at = entry?.versions.findIndex((version) => version.versionId === versionId) ?? -1;
  if (entry === undefined || at < 0) return [];
  const gone = entry.versions.splice(at, 1);
  if (entry.versions.length === 0) bucket.keys.delete(key);
  return gone.flatMap((version) => version.extents);
}

function retag(bucket: Bucket, change: Extract<Change, { type: "tags" }>): readonly Extent[] {
  const versions = bucket.keys.get(change.key)?.versions ?? [];
  const at = versions.findIndex((version) => version.versionId === change.versionId);
  const version = versions[at];
  if (version !== undefined) versions[at] = { ...version, tags: change.tags };
  return [];
}

function addPart(bucket: Bucket, uploadId: string, part: StoredPart): readonly Extent[] {
  const upload = bucket.uploads.get(uploadId);
  if (upload === undefined) return part.extents;
  const replaced = upload.parts.get(part.number)?.extents ?? [];
  upload.parts.set(part.number, part);
  return replaced;
}

function removeUpload(
  bucket: Bucket,
  uploadId: string,
  kept: ReadonlySet<number>,
): readonly Extent[] {
  const parts = bucket.uploads.get(uploadId)?.parts.values() ?? [];
  bucket.uploads.delete(uploadId);
  return [...parts].flatMap((part) => part.extents).filter((extent) => !kept.has(extent.file));
}

function* changesOfBucket(bucket: Bucket): Generator<Change> {
  const { name } = bucket;
  yield { type: "bucket", bucket: name, createdMs: bucket.createdMs };
  yield { type: "versioning", bucket: name, status: bucket.versioning };
  yield { type: "notifications", bucket: name, rules: bucket.notifications };
  for (const { versions } of bucket.keys) {
    for (const version of versions.toReversed()) yield { type: "version", bucket: name, version };
  }
  for (const [uploadId, { start, parts }] of bucket.uploads) {
    yield { type: "upload", bucket: name, upload: start };
    for (const part of parts.values()) yield { type: "part", bucket: name, uploadId, part };
  }
}

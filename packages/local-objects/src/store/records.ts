/** What the store remembers, as plain data that goes into the journal as it is. */
import type { Checksum, ChecksumAlgorithm, ChecksumType } from "../checksum/checksum.ts";

export type Fields = Readonly<Record<string, string>>;

/** Bytes in one file of the file store. Files never change; they are made whole and go away whole. */
export interface Extent {
  readonly file: number;
  readonly sizeBytes: number;
}

/** What belongs to an object besides its bytes. */
export interface Properties {
  /** `content-type` and the like, lower case. */
  readonly headers: Fields;
  /** Without the `x-amz-meta-` prefix, lower case. */
  readonly metadata: Fields;
  readonly tags: Fields;
}

/** One part of a finished object. */
export interface FinishedPart {
  readonly number: number;
  readonly sizeBytes: number;
  /** Base64, if the upload had an algorithm. */
  readonly checksum: string | null;
}

/** One version of one key: an object or a delete marker. */
export interface ObjectVersion extends Properties {
  readonly key: string;
  /** `null` (the word) where versioning is not enabled. */
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
  /** Rises with every write to the store. */
  readonly sequence: number;
  readonly modifiedMs: number;
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly extents: readonly Extent[];
  readonly checksum: Checksum | null;
  /** Null if it did not arrive in parts. */
  readonly parts: readonly FinishedPart[] | null;
}

/** One uploaded part. */
export interface StoredPart {
  readonly number: number;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly checksum: string | null;
  readonly modifiedMs: number;
  readonly extents: readonly Extent[];
}

/** How the checksum of an upload in parts is made. */
export interface UploadChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
}

/** An upload in parts that has begun. */
export interface UploadStart extends Properties {
  readonly uploadId: string;
  readonly key: string;
  readonly startedMs: number;
  readonly checksum: UploadChecksum | null;
}

export type Versioning = "unversioned" | "Enabled" | "Suspended";

/** One line of a bucket's notification configuration. */
export interface NotificationRule {
  readonly id: string;
  readonly queueArn: string;
  /** For instance `s3:ObjectCreated:*`. */
  readonly events: readonly string[];
  readonly prefix: string;
  readonly suffix: string;
}

/** Everything that can happen to the store. Applying a change needs nothing but the change. */
export type Change =
  | { readonly type: "bucket"; readonly bucket: string; readonly createdMs: number }
  | { readonly type: "bucket-gone"; readonly bucket: string }
  | { readonly type: "versioning"; readonly bucket: string; readonly status: Versioning }
  | {
      readonly type: "notifications";
      readonly bucket: string;
      readonly rules: readonly NotificationRule[];
    }
  | { readonly type: "version"; readonly bucket: string; readonly version: ObjectVersion }
  | {
      readonly type: "version-gone";
      readonly bucket: string;
      readonly key: string;
      readonly versionId: string;
    }
  | {
      readonly type: "tags";
      readonly bucket: string;
      readonly key: string;
      readonly versionId: string;
      readonly tags: Fields;
    }
  | { readonly type: "upload"; readonly bucket: string; readonly upload: UploadStart }
  | {
      readonly type: "part";
      readonly bucket: string;
      readonly uploadId: string;
      readonly part: StoredPart;
    }
  | { readonly type: "upload-gone"; readonly bucket: string; readonly uploadId: string }
  | {
      readonly type: "upload-finished";
      readonly bucket: string;
      readonly uploadId: string;
      readonly version: ObjectVersion;
    };

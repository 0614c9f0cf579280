/** Objects that a copy reads from. */
import { createHash } from "node:crypto";
import { type ChecksumAlgorithm, checksumHasher } from "../checksum/checksum.ts";
import { percentDecode } from "../percent-encoding.ts";
import { bucketNamed, callHeader, type S3Call } from "../s3/call.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { ByteRange, FileStore } from "../store/file-store.ts";
import type { Extent, Fields, ObjectVersion } from "../store/records.ts";
import { readConditionOutcome } from "./conditions.ts";
import { isVersioned, objectFor } from "./versions.ts";

const PREFIX = "x-amz-copy-source-";

/** The source of a copy and what its answer says of it. */
export interface CopySource {
  readonly bucket: string;
  readonly version: ObjectVersion;
  readonly headers: Fields;
}

/**
 * The version that `x-amz-copy-source` names, if its conditions hold.
 * @throws {S3Error} `InvalidArgument`, `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `PreconditionFailed`
 */
export function copySourceOf(call: S3Call): CopySource {
  const header = callHeader(call, "x-amz-copy-source") ?? "";
  const [address = "", versionId] = header.split("?versionId=", 2);
  const path = percentDecode(address)?.replace(/^\//u, "") ?? "";
  const slash = path.indexOf("/");
  if (slash < 1 || slash === path.length - 1) {
    throw new S3Error("InvalidArgument", {
      message: "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
      details: { ArgumentName: "x-amz-copy-source", ArgumentValue: header },
    });
  }
  const bucket = bucketNamed(call.services, path.slice(0, slash));
  const version = objectFor(bucket, path.slice(slash + 1), versionId);
  if (readConditionOutcome(call, version, PREFIX) === "not-modified") {
    throw new S3Error("PreconditionFailed", { details: { Condition: "x-amz-copy-source-If" } });
  }
  const headers: Fields = isVersioned(bucket) ? { [`${PREFIX}version-id`]: version.versionId } : {};
  return { bucket: bucket.name, version, headers };
}

/** Digests of stored bytes. */
export interface StoredDigest {
  /** Hexadecimal. */
  readonly md5: string;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | null;
}

/** Reads a range once, for its digests and for whoever wants the bytes. The caller holds the files. */
export async function digestOf(
  blocks: AsyncIterable<Buffer>,
  algorithm: ChecksumAlgorithm | null,
  take: (block: Buffer) => Promise<void>,
): Promise<StoredDigest> {
  const md5 = createHash("md5");
  const hasher = algorithm === null ? null : checksumHasher(algorithm);
  for await (const block of blocks) {
    md5.update(block);
    hasher?.update(block);
    await take(block);
  }
  const value = hasher?.digest().toString("base64");
  return {
    md5: md5.digest("hex"),
    checksum: algorithm === null || value === undefined ? null : { algorithm, value },
  };
}

/** A range of stored bytes as a file of its own, with its digests. */
export async function copyRange(
  files: FileStore,
  source: { readonly extents: readonly Extent[]; readonly range: ByteRange },
  algorithm: ChecksumAlgorithm | null,
): Promise<StoredDigest & { readonly extents: readonly Extent[]; readonly sizeBytes: number }> {
  const sizeBytes = source.range.last - source.range.first + 1;
  const lease = files.lease(source.extents, source.range);
  const writer = await files.writer();
  try {
    const digest = await digestOf(lease.blocks, algorithm, async (block) => writer.write(block));
    return { ...digest, sizeBytes, extents: [await writer.finish()] };
  } catch (error) {
    await writer.discard();
    throw error;
  } finally {
    lease.close();
  }
}

import type { ObjectEntry } from "../object-store.ts";

/**
 * Whether S3 got the object in parts: its ETag ends in their number then. Such an object is dated when its upload
 * *began*, which may be days before it was there to be copied, so its time says nothing about whether it was.
 * Blob dates what it got in blocks when they became a blob, and its ETags have no such ending.
 */
export function isInParts({ etag }: Pick<ObjectEntry, "etag">): boolean {
  return IN_PARTS.test(etag);
}

const IN_PARTS = /-\d{1,5}$/u;

import { CloudPhoenixError } from "@cloudphoenix/core";
import type { ObjectEntry, ObjectStoreCapabilities } from "./object-store.ts";

const MIB = 1024 * 1024;

/**
 * How large the parts of an object are: as wished, unless the target wants larger ones or would
 * need more of them than it takes; then whole MiB. @throws {CloudPhoenixError} `OBJECT_REFUSED` if it is too large
 */
export function partBytesFor(
  { key, sizeBytes }: Pick<ObjectEntry, "key" | "sizeBytes">,
  wishedBytes: number,
  limits: Pick<
    ObjectStoreCapabilities,
    "partMinBytes" | "partMaxBytes" | "partsMax" | "objectMaxBytes"
  >,
): number {
  const neededBytes = Math.ceil(sizeBytes / limits.partsMax);
  const atLeastBytes = Math.max(wishedBytes, limits.partMinBytes);
  const partBytes = neededBytes <= atLeastBytes ? atLeastBytes : Math.ceil(neededBytes / MIB) * MIB;
  const fitting = Math.min(partBytes, limits.partMaxBytes);
  if (sizeBytes <= limits.objectMaxBytes && fitting * limits.partsMax >= sizeBytes) return fitting;
  const message = `${key} has ${sizeBytes} bytes; the target takes at most ${limits.objectMaxBytes}`;
  throw new CloudPhoenixError("OBJECT_REFUSED", message, {
    retryable: false,
    hint: "Split the object, or leave it out with --exclude.",
  });
}

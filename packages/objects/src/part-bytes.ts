import { CloudPhoenixError } from "@cloudphoenix/core";
import type { ObjectEntry, ObjectStoreCapabilities } from "./object-store.ts";

const MIB = 1024 * 1024;

export interface PartWishes {
  readonly wishedBytes: number;
  /** What all bodies of this process may take: a part is held whole, because its hash goes before it. */
  readonly memoryBytes: number;
}

/**
 * How large the parts of an object are: as wished, unless the target wants larger ones or would
 * need more of them than it takes; then whole MiB.
 * @throws {CloudPhoenixError} `OBJECT_REFUSED` if it is too large, for the target or for this process's memory
 */
export function partBytesFor(
  { key, sizeBytes }: Pick<ObjectEntry, "key" | "sizeBytes">,
  { wishedBytes, memoryBytes }: PartWishes,
  limits: Pick<
    ObjectStoreCapabilities,
    "partMinBytes" | "partMaxBytes" | "partsMax" | "objectMaxBytes"
  >,
): number {
  const neededBytes = Math.ceil(sizeBytes / limits.partsMax);
  const atLeastBytes = Math.max(wishedBytes, limits.partMinBytes);
  const partBytes = neededBytes <= atLeastBytes ? atLeastBytes : Math.ceil(neededBytes / MIB) * MIB;
  const fitting = Math.min(partBytes, limits.partMaxBytes);
  const isTaken = sizeBytes <= limits.objectMaxBytes && fitting * limits.partsMax >= sizeBytes;
  if (isTaken && fitting > memoryBytes) throw tooLargeForMemory(key, fitting, memoryBytes);
  if (isTaken) return fitting;
  const message = `${key} has ${sizeBytes} bytes; the target takes at most ${limits.objectMaxBytes}`;
  throw new CloudPhoenixError("OBJECT_REFUSED", message, {
    retryable: false,
    hint: "Split the object, or leave it out with --exclude.",
  });
}

function tooLargeForMemory(key: string, partBytes: number, memoryBytes: number): CloudPhoenixError {
  const needed = Math.ceil(partBytes / MIB);
  const message = `${key} needs parts of ${needed} MiB, and ${Math.floor(memoryBytes / MIB)} MiB are all that bodies may take`;
  return new CloudPhoenixError("OBJECT_REFUSED", message, {
    retryable: false,
    hint: `Copy it with \`cloudphoenix sync --memory ${needed}MiB\` on a machine that has as much.`,
  });
}

/** Copies a small object: one read, one write, all of it in memory between the two. */
import { CloudPhoenixError, hasCode } from "@cloudphoenix/core";
import type { CopyAttempt, SeenVersions } from "./copy-object.ts";
import { md5OfParts } from "./content-hash.ts";
import { type CopyTools, call } from "./copy-tools.ts";
import type { ObjectEntry, ObjectProperties, WholeObject, WriteCondition } from "./object-store.ts";
import { type CopiedVersion, stampOf } from "./stamp.ts";
import { verifyStored } from "./verify-stored.ts";

/** @throws {CloudPhoenixError} as `copyObject` */
export async function copyWhole(
  seen: SeenVersions,
  tools: CopyTools,
  signal: AbortSignal,
): Promise<CopyAttempt> {
  const { source, targetKey } = seen;
  const release = await tools.memory.take(source.sizeBytes, signal);
  try {
    await tools.bandwidth.take(source.sizeBytes, signal);
    const whole = await readVersion(source, tools, signal);
    if (whole === null) return { kind: "sourceChanged" };
    const { properties, tagsLost } = propertiesFor(tools, whole.facts.properties, {
      key: targetKey,
      etag: source.etag,
      md5: whole.md5,
    });
    const request = { key: targetKey, properties, condition: conditionOn(seen.target) };
    const stored = await unlessChanged(
      call(
        tools,
        signal,
        (limited) => tools.target.write(request, whole, limited),
        source.sizeBytes,
      ),
    );
    if (stored === null) return { kind: "targetChanged" };
    await verifyStored({ key: targetKey, sizeBytes: source.sizeBytes, stored }, tools, signal);
    tools.onBytes?.(source.sizeBytes);
    return {
      kind: "copied",
      sizeBytes: source.sizeBytes,
      sourceEtag: source.etag,
      targetEtag: stored.etag,
      tagsLost,
      partsKept: 0,
    };
  } finally {
    release();
  }
}

/** Null if the version is not there any more. */
async function readVersion(
  source: ObjectEntry,
  tools: CopyTools,
  signal: AbortSignal,
): Promise<WholeObject | null> {
  const { key, etag, sizeBytes } = source;
  const read = async (limited: AbortSignal): Promise<WholeObject> => {
    const whole = await tools.source.readWhole({ key, etag, sizeBytes }, limited);
    // Not what the listing said: there, an ETag may pass for an MD5.
    const told = whole.facts.md5;
    const isRight = told === null ? await fitsParts(whole, tools, limited) : told === whole.md5;
    if (isRight && whole.bytes.byteLength === sizeBytes) return whole;
    throw new CloudPhoenixError("OBJECT_CORRUPT", `${key} arrived with other bytes than stored`, {
      retryable: true,
      hint: "Check the source with `sync --verify` if this comes again.",
    });
  };
  return unlessChanged(call(tools, signal, read, sizeBytes));
}

/** Whether the bytes are what the source's hash of parts says, if it tells one. */
async function fitsParts(
  { facts, bytes }: WholeObject,
  { source }: CopyTools,
  signal: AbortSignal,
): Promise<boolean> {
  for (const sizes of ["likely", "each"] as const) {
    const told = (await source.hashOfParts?.(facts, sizes, signal)) ?? null;
    if (told === null || told.md5 === md5OfParts(bytes, told.partBytes)) return true;
  }
  return false;
}

/** What the copy of a version gets besides its bytes when it is stored under `key`. */
export function propertiesFor(
  tools: CopyTools,
  original: ObjectProperties,
  { key, ...version }: CopiedVersion & { readonly key: string },
): { readonly properties: ObjectProperties; readonly tagsLost: boolean } {
  const stamp = stampOf(version, key);
  const tagsLost = !tools.target.capabilities.tags && Object.keys(original.tags).length > 0;
  return { properties: { ...original, tags: tagsLost ? {} : original.tags, stamp }, tagsLost };
}

/** The target must still be what was seen. */
export function conditionOn(target: ObjectEntry | null): WriteCondition {
  return target === null ? { kind: "absent" } : { kind: "unchanged", etag: target.etag };
}

/** Null if what was asked for or written to is not (any more) what was meant. */
async function unlessChanged<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, "OBJECT_CHANGED") || hasCode(error, "OBJECT_GONE")) return null;
    throw error;
  }
}

/**
 * What a copy notes at the target about the version it copied: `v2/<etag>/<md5>/<key>`.
 *
 * The MD5 is that of the bytes that were copied. It ties the note to the content: a stamp that was
 * carried along by somebody who wrote other bytes under it is recognised where the store tells a hash.
 * It is `-` where the note had to be made before the bytes had been read (S3, large objects).
 *
 * The key, hashed, is the one at the target. It ties the note to its place: an object that was copied or
 * renamed within the target carries the stamp along and is no copy of ours. Stamps of version 1 end before it
 * and are judged without it.
 */
import { hash } from "node:crypto";
import type { ObjectEntry } from "./object-store.ts";

/** The source's version that was copied. */
export interface CopiedVersion {
  readonly etag: string;
  /** Hexadecimal, of the whole content; null if it was not known yet. */
  readonly md5: string | null;
}

const FORM =
  /^(?:v1\/(?<etag1>.+)\/(?<md51>[0-9a-f]{32}|-)|v2\/(?<etag2>.+)\/(?<md52>[0-9a-f]{32}|-)\/(?<key>[0-9a-f]{32}))$/;

/** The note for a copy that will be stored under `key`. */
export function stampOf({ etag, md5 }: CopiedVersion, key: string): string {
  return `v2/${etag}/${md5 ?? "-"}/${nameOf(key)}`;
}

/** Null for no stamp, and for one that this version does not understand. Does not look where it was found. */
export function readStamp(stamp: string | null): CopiedVersion | null {
  return parse(stamp)?.version ?? null;
}

/** What the stamp on an object says of it; null for none, and for one that was made for another key. */
export function stampOn({ key, stamp }: Pick<ObjectEntry, "key" | "stamp">): CopiedVersion | null {
  const found = parse(stamp);
  if (found === null || (found.key !== null && found.key !== nameOf(key))) return null;
  return found.version;
}

/**
 * Whether what is stored is a copy of ours and still has its bytes. A store that tells no MD5 of it (S3: in
 * parts, or encrypted with KMS) is believed.
 */
export function isOwnCopy(entry: Pick<ObjectEntry, "key" | "stamp" | "md5">): boolean {
  const version = stampOn(entry);
  return version !== null && (entry.md5 ?? version.md5) === version.md5;
}

interface Parsed {
  readonly version: CopiedVersion;
  /** As `nameOf` writes it; null in version 1. */
  readonly key: string | null;
}

function parse(stamp: string | null): Parsed | null {
  const found = stamp === null ? null : FORM.exec(stamp)?.groups;
  if (found == null) return null;
  const etag = found["etag1"] ?? found["etag2"];
  const md5 = found["md51"] ?? found["md52"];
  if (etag === undefined || md5 === undefined) return null;
  return { version: { etag, md5: md5 === "-" ? null : md5 }, key: found["key"] ?? null };
}

/** A key of 1,024 bytes would take half of the metadata that S3 allows. */
function nameOf(key: string): string {
  return hash("sha256", key, "hex").slice(0, 32);
}

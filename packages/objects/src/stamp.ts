/**
 * What a copy notes at the target about the version it copied: `v1/<etag>/<md5>`.
 *
 * The MD5 is that of the bytes that were copied. It ties the note to the content: a stamp that was
 * carried along by somebody who wrote other bytes under it is recognised where the store tells a hash.
 * It is `-` where the note had to be made before the bytes had been read (S3, large objects).
 */

/** The source's version that was copied. */
export interface CopiedVersion {
  readonly etag: string;
  /** Hexadecimal, of the whole content; null if it was not known yet. */
  readonly md5: string | null;
}

const FORM = /^v1\/(?<etag>.+)\/(?<md5>[0-9a-f]{32}|-)$/;

export function stampOf(version: CopiedVersion): string {
  return `v1/${version.etag}/${version.md5 ?? "-"}`;
}

/** Null for no stamp, and for one that this version does not understand. */
export function readStamp(stamp: string | null): CopiedVersion | null {
  const found = stamp === null ? null : FORM.exec(stamp)?.groups;
  const { etag, md5 } = found ?? {};
  if (etag === undefined || md5 === undefined) return null;
  return { etag, md5: md5 === "-" ? null : md5 };
}

/**
 * Whether source and target hold the same content, decided from what listings tell. Pure.
 *
 * 1. Never by time: clocks of two clouds say nothing about content.
 * 2. "same" needs proof: a stamp that names the other side's version, or equal MD5 and size.
 * 3. A stamp proves nothing once the content under it has another MD5 than the copy had.
 * 4. What a listing calls an MD5 may be none (see `ObjectEntry.md5`): equal ones prove that the content is the same,
 *    different ones prove nothing.
 */
import type { ObjectEntry, ObjectStore } from "./object-store.ts";
import { stampOn } from "./stamp.ts";

/** `unsure`: the listing does not tell enough; `head` of the sides that are not fully known settles it. */
export type Likeness = "same" | "changed" | "unsure";

/** What `compareVersions` needs to know of a side besides the entry. */
export interface ComparedSide {
  readonly entry: ObjectEntry;
  /** Whether stamp and MD5 are the whole truth: they came from `head`, or listings carry metadata. */
  readonly fullyKnown: boolean;
}

/** A side as a listing of `store`, or its `head`, shows it. */
export function sideOf(store: ObjectStore, entry: ObjectEntry): ComparedSide {
  const fullyKnown =
    entry.stamp !== null || store.capabilities.listsMetadata || "properties" in entry;
  return { entry, fullyKnown };
}

export function compareVersions(source: ComparedSide, target: ComparedSide): Likeness {
  if (source.entry.sizeBytes !== target.entry.sizeBytes) return "changed";
  if (names(target.entry, source.entry) || names(source.entry, target.entry)) return "same";
  // A copy of another version of the source: its metadata may differ even if the bytes do not.
  if (stampOn(target.entry) !== null) return "changed";
  const { md5 } = source.entry;
  if (md5 !== null && md5 === target.entry.md5) return "same";
  return source.fullyKnown && target.fullyKnown ? "changed" : "unsure";
}

/** Whether `copy` carries a stamp of exactly this version of `original`, and still holds its content. */
function names(copy: ObjectEntry, original: ObjectEntry): boolean {
  const version = stampOn(copy);
  if (version?.etag !== original.etag) return false;
  return version.md5 === null || copy.md5 === null || copy.md5 === version.md5;
}

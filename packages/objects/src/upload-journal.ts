/**
 * What is known of uploads in parts that have begun and not ended, so that a process that comes after
 * can go on with them.
 *
 * Owns: the words. Implementations keep it beside the pair of places it belongs to; what was noted
 * must survive kill -9. Losing an entry costs copying again, never correctness: the store is asked
 * what it holds before anything is built on.
 */
import type { Part, PartUpload } from "./object-store.ts";

/** A part the target has, and the hash of the bytes it was sent. */
export interface JournaledPart extends Part {
  /** Hexadecimal. */
  readonly md5: string;
}

/** One upload that has begun. Plain data. */
export interface UploadRecord {
  /** At the target. */
  readonly key: string;
  /** The version of the source that is being copied. */
  readonly sourceEtag: string;
  readonly sizeBytes: number;
  readonly partBytes: number;
  readonly upload: PartUpload;
}

/** The state of hashing the whole content, so that it can be gone on with. */
export interface HashProgress {
  /** The parts 1 to this one are hashed. */
  readonly parts: number;
  /** Opaque, of `ContentHash`. */
  readonly state: Uint8Array;
}

export interface UploadProgress {
  readonly record: UploadRecord;
  readonly parts: readonly JournaledPart[];
  readonly hashed: HashProgress | null;
}

/** Keeps at most one upload per key. Errors of every call: `STATE_UNAVAILABLE`. */
export interface UploadJournal {
  find(key: string): Promise<UploadProgress | null>;
  /** Replaces what was known of the key. */
  begin(record: UploadRecord): Promise<void>;
  /** Kept when it resolves. A part noted again replaces the older note. */
  partStored(key: string, part: JournaledPart): Promise<void>;
  hashed(key: string, progress: HashProgress): Promise<void>;
  /** The upload has ended. Forgetting nothing is success. */
  forget(key: string): Promise<void>;
  /** Every upload that has begun and not ended, in no order. */
  all(): Promise<readonly UploadRecord[]>;
}

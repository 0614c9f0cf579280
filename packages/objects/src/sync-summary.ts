/** What a sync tells while it runs and when it has ended. Plain data; its fields are a contract (`--json`). */
import type { CloudPhoenixError, ErrorCode } from "@cloudphoenix/core";
import type { ServerSideCounts } from "./server-side-copy.ts";

/** How far a sync is. Counts are of objects unless the name says bytes. */
export interface SyncProgress {
  /** Seen at each side so far. */
  readonly sourceObjects: number;
  readonly targetObjects: number;
  /** Both listings have been seen to their end. */
  readonly listingComplete: boolean;
  readonly same: number;
  /** Found to be copied so far, finished or not. */
  readonly toCopy: number;
  readonly toCopyBytes: number;
  /** Of those to be copied: where the listings cannot tell, so that each is asked for by name first. */
  readonly unsure: number;
  readonly unsureBytes: number;
  /** Of those to be copied: where another object is at the target that no copy of ours left there, so that it is replaced. */
  readonly foreign: number;
  /** Of those to be copied: where something is at the target, and its listing does not tell whose it is (S3). */
  readonly perhapsForeign: number;
  readonly copied: number;
  readonly copiedBytes: number;
  /** Bytes that arrived at the target, of finished and unfinished objects. */
  readonly sentBytes: number;
  /** A closer look found the version at the target. */
  readonly alreadyThere: number;
  /** Deleted at the source before it was copied. */
  readonly gone: number;
  readonly failed: number;
  /** Copied without their tags, which the target cannot keep. */
  readonly tagsLost: number;
  /** Copied while the rights on the source did not show whether there are tags. */
  readonly tagsUnseen: number;
  /** Parts of large objects that an earlier run had stored and that were not sent again. */
  readonly partsKept: number;
  /** Requests that were asked again. */
  readonly retries: number;
  readonly elapsedMs: number;
  /** Over the last seconds. */
  readonly bytesPerSecond: number;
  readonly objectsPerSecond: number;
  /** Null while nobody knows how much there is. */
  readonly remainingMs: number | null;
}

/** One object that was not copied or not deleted. */
export interface SyncFailure {
  readonly name: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
}

export interface DeleteSummary {
  /** At the target and not at the source, as the listings said. */
  readonly missing: number;
  /** Of them, how many have been missing long enough to be looked at one by one. */
  readonly due: number;
  readonly deleted: number;
  /** Kept because no copy of ours left them there. */
  readonly foreign: number;
  /** Kept because they were back at the source, or had changed at the target. */
  readonly reprieved: number;
  /** Kept because a store refuses to delete them or to tell of them; they are among `SyncSummary.failures`. */
  readonly failed: number;
  /** Why nothing was deleted although it was asked for; null if nothing stood in the way. */
  readonly refused: SyncFailure | null;
}

export interface SyncSummary {
  /**
   * `done`: everything is at the target. `failures`: some objects are not, or could not be deleted. `refused`: copied, but the
   * deletes need a person. `stopped`: it could not go on. `interrupted`: it was told to stop.
   */
  readonly outcome: "done" | "failures" | "refused" | "stopped" | "interrupted";
  readonly dryRun: boolean;
  readonly progress: SyncProgress;
  readonly serverSide: ServerSideCounts;
  /** The first ones; `progress.failed` and `deletes.failed` count all. */
  readonly failures: readonly SyncFailure[];
  readonly deletes: DeleteSummary;
  /** Why it could not go on. */
  readonly stoppedBy: SyncFailure | null;
}

export type SyncEvent =
  | { readonly kind: "copied"; readonly name: string; readonly sizeBytes: number }
  | { readonly kind: "wouldCopy"; readonly name: string; readonly sizeBytes: number }
  | { readonly kind: "missing"; readonly name: string }
  | { readonly kind: "deleted"; readonly name: string }
  | { readonly kind: "failed"; readonly failure: SyncFailure }
  /** From now on everything goes through this machine, for a while: the target could not read the source. */
  | { readonly kind: "serverSideGivenUp"; readonly because: string }
  /** A store asked for patience or did not answer, and is asked again. */
  | { readonly kind: "retry"; readonly message: string };

/** A failure as data. */
export function failureOf(name: string, error: CloudPhoenixError): SyncFailure {
  return { name, code: error.code, message: error.message, hint: error.hint ?? null };
}

/** What every copy of a run shares. */
import type { BandwidthLimit } from "./bandwidth-limit.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { CloudPhoenixError } from "@cloudphoenix/core";
import type { ObjectStore } from "./object-store.ts";
import { type RetryPolicy, withRetries } from "./retries.ts";
import type { ServerSideCopy } from "./server-side-copy.ts";
import type { Surroundings } from "./surroundings.ts";
import type { UploadJournal } from "./upload-journal.ts";

/** How objects are cut. */
export interface CopySizes {
  /** Objects up to this size go in one read and one write. */
  readonly wholeMaxBytes: number;
  /** Size of a part of a larger one; more if the target would need too many. */
  readonly partBytes: number;
  /** Parts of one object under way at once. */
  readonly partsInFlight: number;
}

const MIB = 1024 * 1024;

/**
 * Parts of 8 MiB, four at once: enough to fill a fast link from one object, and with the memory
 * budget of a run what decides how much memory copying takes.
 */
export const DEFAULT_SIZES: CopySizes = Object.freeze({
  wholeMaxBytes: 8 * MIB,
  partBytes: 8 * MIB,
  partsInFlight: 4,
});

export interface CopyTools {
  readonly source: ObjectStore;
  readonly target: ObjectStore;
  readonly surroundings: Surroundings;
  readonly retries: RetryPolicy;
  readonly journal: UploadJournal;
  readonly sizes: CopySizes;
  readonly memory: ByteBudget;
  readonly bandwidth: BandwidthLimit;
  /** Absent: everything is streamed. */
  readonly serverSide?: ServerSideCopy;
  /** Told when a store asked for patience or did not answer, before it is asked again. */
  readonly onRetry?: (error: CloudPhoenixError) => void;
  /** Told as bytes have arrived at the target. */
  readonly onBytes?: (bytes: number) => void;
}

/** One call of a store, retried as the tools say; one that moves `bytes` may take the longer. */
// oxlint-disable-next-line max-params -- the fourth is for the few calls that move bodies
export function call<T>(
  tools: Pick<CopyTools, "surroundings" | "retries" | "onRetry">,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  bytes = 0,
): Promise<T> {
  const { surroundings, retries, onRetry } = tools;
  const options = { surroundings, policy: retries, signal, bytes };
  return withRetries(work, onRetry === undefined ? options : { ...options, onRetry });
}

/**
 * Tasks about objects, as they are put on the work queue: kinds and payloads. Plain JSON.
 * Whoever enqueues them need not know who does them.
 */

/** What has to be done; the `kind` of a task. */
export const OBJECT_TASKS = {
  /** Keeps the copy at one site; never ends. Enqueued by the workers themselves. */
  follow: "follow",
  /** Payload `CopyRangePayload`; result and progress `RangeProgress`. */
  copyRange: "copy-range",
  /** Payload `FinalSyncPayload`, result `FinalSyncResult`. */
  finalSync: "final-sync",
} as const;

/** Names that come after `after`, up to and including `upTo`; absent is open. */
export interface CopyRangePayload {
  readonly from: string;
  readonly to: string;
  /** Refused as soon as the application is at another one. */
  readonly generation: number;
  readonly after?: string | undefined;
  readonly upTo?: string | undefined;
}

export interface FinalSyncPayload {
  readonly from: string;
  readonly to: string;
  /** The plan's; refused as soon as the application is at another one. */
  readonly generation: number;
  /** For all of it. A source that does not answer at once is not waited for that long. */
  readonly limitMs: number;
}

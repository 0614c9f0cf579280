/**
 * Hints that objects changed, as clouds put them on queues.
 *
 * Owns: the words. A hint is never the truth: it comes late, twice, out of order, or not at all.
 * Whoever takes one asks the store what is there now; reconciliation by listings finds the rest.
 *
 * Promises of every implementation:
 * 1. A hint comes again until `done` of its batch has succeeded, and may come again after that.
 * 2. Messages that cannot be understood are set aside and handed out with a reason; they neither
 *    stop the source nor come back for ever.
 * 3. Waiting ends when the signal aborts, also when the queue's server hangs.
 */

/** One object that may have changed. */
export interface ChangeHint {
  readonly key: string;
  readonly kind: "written" | "deleted";
  /** Orders hints about the same key, see `compareSequencers`; null if the cloud gave none. */
  readonly sequencer: string | null;
  /** When it happened, by the cloud's clock; epoch ms. */
  readonly atMs: number;
}

/** A message that was not understood; it is removed with its batch. */
export interface SetAsideMessage {
  readonly messageId: string;
  readonly reason: string;
}

/** What one look into the queue brought: never nothing at all. */
export interface ChangeHintBatch {
  readonly hints: readonly ChangeHint[];
  readonly setAside: readonly SetAsideMessage[];
  /**
   * The consumer has taken the batch: its messages are removed from the queue. Calling it again does nothing.
   * @throws {CloudPhoenixError} as `batches`; the messages then come again
   */
  done(signal: AbortSignal): Promise<void>;
}

/** How far the queue is behind, by the queue's own count. */
export interface HintBacklog {
  /** Messages waiting or taken and not yet done. Approximate. */
  readonly messages: number;
}

/** Where hints come from. */
export interface ChangeHints {
  /** For people: the queue's name and place. Never holds a credential. */
  readonly address: string;

  /**
   * Batches until the signal aborts, then it ends. Several batches may be open at once; a message
   * that is not done within the source's hold time comes again.
   * @throws {CloudPhoenixError} `OBJECT_STORE_UNREACHABLE` (retryable: iterate anew),
   * `OBJECT_STORE_DENIED`, `NOT_FOUND` (the queue)
   */
  batches(signal: AbortSignal): AsyncIterable<ChangeHintBatch>;

  backlog(signal: AbortSignal): Promise<HintBacklog>;
}

/**
 * Negative if `a` came before `b`, 0 if nobody can tell. Only for hints about the same key.
 * Both clouds give hexadecimal text of varying length: the shorter is filled up with zeros on the right
 * (S3 user guide, "Event message structure"; Blob storage events, "sequencer").
 */
export function compareSequencers(a: string | null, b: string | null): number {
  if (a === null || b === null) return 0;
  const length = Math.max(a.length, b.length);
  const left = a.toLowerCase().padEnd(length, "0");
  const right = b.toLowerCase().padEnd(length, "0");
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

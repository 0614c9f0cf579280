/**
 * Writes the receipts that are due, until it is told to stop.
 *
 * 1. Where the site may not write nothing is taken, and what is written would do no harm: receipts
 *    of one order are the same bytes wherever they are made.
 * 2. A store that fails for all costs no receipt an attempt: one at a time is tried until it is back.
 * 3. A failure of one receipt is its own, and it is never given up because a store failed. Set aside
 *    is what can never be written: another object has its name, or it cannot be made.
 * 4. A batch has half the time for which its receipts are hidden, and one second once told to stop.
 */
import {
  Deadline,
  type ObjectStorage,
  type Observation,
  Rounds,
  ServiceError,
  spread,
} from "@cloudphoenix/chassis";
import { RECEIPT_TYPE, receiptBytes } from "./receipt.ts";
import type { ReceiptQueue, ReceiptResult, TakenReceipt } from "./receipt-queue.ts";
import type { ReceiptRecheck } from "./receipt-recheck.ts";

/** What the writer needs of the world. */
export interface ReceiptWriterParts {
  readonly queue: Pick<ReceiptQueue, "take" | "settle">;
  readonly recheck: Pick<ReceiptRecheck, "step">;
  readonly storage: Pick<ObjectStorage, "put">;
  /** The state of the site, as far as is known. Never throws. */
  readonly observe: () => Promise<Observation>;
  readonly onEvent: (event: ReceiptEvent) => void;
  /** Between 0 and 1. */
  readonly random: () => number;
}

/** How it works; see `settings.ts` for the reasons. */
export interface ReceiptWriterTerms {
  readonly batchSize: number;
  readonly concurrency: number;
  readonly idleMs: number;
  readonly hiddenMs: number;
  readonly attemptsMax: number;
  readonly backoffMaxMs: number;
}

/** What happened, for logs and metrics. */
export type ReceiptEvent =
  | { readonly kind: "settled"; readonly results: readonly ReceiptResult[] }
  | { readonly kind: "store"; readonly up: boolean; readonly error: unknown }
  | { readonly kind: "requeued"; readonly receipts: number }
  | { readonly kind: "failed"; readonly error: unknown; readonly pauseMs: number };

/** Short against the two seconds in which a store that is back is to be used again. */
const OUTAGE_PAUSE_MAX_MS = 500;
const BACKOFF_BASE_MS = 500;
const STOP_GRACE_MS = 1_000;

export class ReceiptWriter {
  readonly #parts: ReceiptWriterParts;
  readonly #terms: ReceiptWriterTerms;
  readonly #rounds: Rounds;
  #storeUp = true;

  constructor(parts: ReceiptWriterParts, terms: ReceiptWriterTerms) {
    this.#parts = parts;
    this.#terms = terms;
    this.#rounds = new Rounds({
      round: () => this.#round(),
      idleMs: terms.idleMs,
      onFailure: (error, pauseMs) => parts.onEvent({ kind: "failed", error, pauseMs }),
      random: parts.random,
    });
  }

  /** Begins to work. Again is the same. */
  start(): void {
    this.#rounds.start();
  }

  /** Takes nothing more and resolves once the batch in hand is settled. Idempotent. */
  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** One batch; how long to wait before the next. */
  async #round(): Promise<number> {
    const { idleMs, batchSize, hiddenMs } = this.#terms;
    const { record } = await this.#parts.observe();
    if (record?.writesOpen !== true) return idleMs;
    // While the store fails, one receipt is enough to find out that it does.
    const limit = this.#storeUp ? batchSize : 1;
    const taken = await this.#parts.queue.take(limit, hiddenMs);
    if (taken.length > 0) await this.#settle(taken, record.site);
    if (!this.#storeUp) return Math.ceil(this.#parts.random() * OUTAGE_PAUSE_MAX_MS);
    // New receipts go first: pages of old ones are added when the queue is short.
    if (taken.length < limit) return (await this.#recheck(record)) > 0 ? 0 : idleMs;
    return 0;
  }

  async #recheck({ site, generation }: NonNullable<Observation["record"]>): Promise<number> {
    const receipts = await this.#parts.recheck.step(site, generation);
    if (receipts > 0) this.#parts.onEvent({ kind: "requeued", receipts });
    return receipts;
  }

  async #settle(taken: readonly TakenReceipt[], site: string): Promise<void> {
    const results = this.#judged(await this.#writeAll(taken));
    await this.#parts.queue.settle(results, site);
    this.#parts.onEvent({ kind: "settled", results });
  }

  /** If the store failed for every receipt it asked for, the failures are the store's, not theirs. */
  #judged(results: readonly ReceiptResult[]): readonly ReceiptResult[] {
    const failures = results.flatMap((each) =>
      each.kind === "later" && isStoreFailure(each.error) ? [each] : [],
    );
    const stored = results.some(({ kind }) => kind === "stored");
    const down = failures.length > 0 && !stored;
    if (down === this.#storeUp) {
      this.#storeUp = !down;
      this.#parts.onEvent({ kind: "store", up: !down, error: failures[0]?.error ?? null });
    }
    if (!down) return results;
    return results.map((each) =>
      each.kind === "later" ? { ...each, counted: false, afterMs: 0 } : each,
    );
  }

  async #writeAll(taken: readonly TakenReceipt[]): Promise<readonly ReceiptResult[]> {
    const deadline = Deadline.after(this.#terms.hiddenMs / 2);
    const release = this.#endsWithGrace(deadline);
    const results: ReceiptResult[] = [];
    const waiting = taken.values();
    const lane = async (): Promise<void> => {
      for (const receipt of waiting) results.push(await this.#write(receipt, deadline));
    };
    try {
      await Promise.all(Array.from({ length: this.#terms.concurrency }, lane));
      return results;
    } finally {
      release();
    }
  }

  /** Once told to stop, a batch has a second. Returns how to let go of it. */
  #endsWithGrace(deadline: Deadline): () => void {
    const signal = this.#rounds.stopping;
    let timer: NodeJS.Timeout | null = null;
    const onStop = (): void => {
      timer = setTimeout(() => deadline.cancel(new Error("the service stops")), STOP_GRACE_MS);
    };
    if (signal.aborted) onStop();
    else signal.addEventListener("abort", onStop, { once: true });
    return () => {
      signal.removeEventListener("abort", onStop);
      if (timer !== null) clearTimeout(timer);
      deadline.release();
    };
  }

  async #write(receipt: TakenReceipt, deadline: Deadline): Promise<ReceiptResult> {
    const { attempts, order, objectKey: key } = receipt;
    if (order === null) return { kind: "set-aside", receipt, reason: "its order is missing" };
    try {
      const body = receiptBytes(order);
      const put = { key, body, contentType: RECEIPT_TYPE, condition: "absent" } as const;
      const { etag, outcome } = await this.#parts.storage.put(put, { deadline });
      return { kind: "stored", receipt, etag, found: outcome === "already-there" };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof ServiceError && !error.retryable) {
        return { kind: "set-aside", receipt, reason };
      }
      if (!(error instanceof ServiceError) && attempts >= this.#terms.attemptsMax) {
        const given = `given up after ${attempts} attempts: ${reason}`;
        return { kind: "set-aside", receipt, reason: given };
      }
      const { random } = this.#parts;
      const back = { baseMs: BACKOFF_BASE_MS, maxMs: this.#terms.backoffMaxMs, random };
      const afterMs = spread(attempts, back);
      return { kind: "later", receipt, afterMs, counted: true, error };
    }
  }
}

function isStoreFailure(error: unknown): boolean {
  return error instanceof ServiceError;
}

/**
 * Takes orders, works on them and says what came of it, until it is told to stop.
 *
 * 1. Where the site may not write nothing is taken: the standby waits, and a site that is about to
 *    hand over drains by itself, because every order taken is settled or comes back.
 * 2. A failure of one order is its own: the others of its batch are settled. One that ends the
 *    process costs the others of its batch that attempt and no other: they come back one by one.
 * 3. If what came of a batch cannot be stored, nothing is lost: its orders come back later, and
 *    those that were stored after all are not taken again.
 * 4. Asked to stop, it finishes the batch it has.
 * 5. Work on one order has half the time for which the order is hidden, so that its batch is settled
 *    before anybody else takes it.
 */
import { Rounds, spread, withTimeout } from "@cloudphoenix/chassis";
import type { OrderQueue, WorkResult } from "./order-queue.ts";
import { type Parcel, type TakenOrder, UnfulfillableError } from "./order.ts";

/** What the worker needs of the world. */
export interface WorkerParts {
  readonly queue: Pick<OrderQueue, "take" | "settle">;
  /** Whether this site may write, as far as is known. Never throws. */
  readonly writesOpen: () => Promise<boolean>;
  /** @throws {UnfulfillableError} if it is of no use to try again */
  readonly pack: (order: TakenOrder) => readonly Parcel[] | Promise<readonly Parcel[]>;
  readonly onEvent: (event: WorkerEvent) => void;
  /** Between 0 and 1. */
  readonly random: () => number;
}

/** How the worker works; see `settings.ts` for the reasons. */
export interface WorkerTerms {
  readonly batchSize: number;
  readonly idleMs: number;
  readonly hiddenMs: number;
  readonly attemptsMax: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

/** What happened, for logs and metrics. */
export type WorkerEvent =
  | { readonly kind: "intake"; readonly open: boolean }
  | { readonly kind: "settled"; readonly results: readonly WorkResult[] }
  /** Somebody else decided about these: cancelled, or taken again because this took too long. */
  | { readonly kind: "overtaken"; readonly numbers: readonly string[] }
  | { readonly kind: "failed"; readonly error: unknown; readonly pauseMs: number };

export class Worker {
  readonly #parts: WorkerParts;
  readonly #terms: WorkerTerms;
  readonly #rounds: Rounds;
  #open: boolean | null = null;

  constructor(parts: WorkerParts, terms: WorkerTerms) {
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
    if (!(await this.#intakeOpen())) return this.#terms.idleMs;
    const taken = await this.#parts.queue.take(this.#terms.batchSize, this.#terms.hiddenMs);
    if (taken.length > 0) await this.#settle(taken);
    return this.#mayBeMore(taken) ? 0 : this.#terms.idleMs;
  }

  /** One that was taken before comes alone, whatever waits behind it. */
  #mayBeMore(taken: readonly TakenOrder[]): boolean {
    return taken.length >= this.#terms.batchSize || taken.some(({ attempts }) => attempts > 1);
  }

  async #intakeOpen(): Promise<boolean> {
    const open = await this.#parts.writesOpen();
    if (open !== this.#open) this.#parts.onEvent({ kind: "intake", open });
    this.#open = open;
    return open;
  }

  async #settle(taken: readonly TakenOrder[]): Promise<void> {
    const results = await Promise.all(taken.map((order) => this.#workOn(order)));
    const ours = await this.#parts.queue.settle(results);
    const settled = results.filter(({ order }) => ours.has(order.id));
    const overtaken = results.filter(({ order }) => !ours.has(order.id));
    if (settled.length > 0) this.#parts.onEvent({ kind: "settled", results: settled });
    if (overtaken.length > 0) {
      const numbers = overtaken.map(({ order }) => order.number);
      this.#parts.onEvent({ kind: "overtaken", numbers });
    }
  }

  async #workOn(order: TakenOrder): Promise<WorkResult> {
    const { attemptsMax, backoffBaseMs, backoffMaxMs, hiddenMs } = this.#terms;
    // Every attempt before this one ended without a word: its process died, or was stopped, with it.
    if (order.attempts > attemptsMax) {
      const reason = `given up: none of ${attemptsMax} attempts came to an end`;
      return { kind: "set-aside", order, reason };
    }
    try {
      const parcels = await withTimeout(hiddenMs / 2, async () => this.#parts.pack(order));
      return { kind: "packed", order, parcels };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof UnfulfillableError) return { kind: "set-aside", order, reason };
      if (order.attempts === attemptsMax) {
        return {
          kind: "set-aside",
          order,
          reason: `given up after ${attemptsMax} attempts: ${reason}`,
        };
      }
      const { random } = this.#parts;
      const terms = { baseMs: backoffBaseMs, maxMs: backoffMaxMs, random };
      const afterMs = spread(order.attempts, terms);
      return { kind: "again", order, afterMs };
    }
  }
}

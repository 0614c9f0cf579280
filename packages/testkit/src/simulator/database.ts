/**
 * The database of one site: who may write, the lease, the log, and what it follows.
 *
 * 1. A write is checked when it begins and again when it commits; what is accepted gets the next
 *    position of the log. On disk it is only after `flushMs`; a crash loses what is not.
 * 2. Every change carries a generation and is refused if a newer one is known here.
 * 3. All times of the lease are on this server's own clock.
 */
import { CloudPhoenixError, type DurabilityMode, type SiteId } from "@cloudphoenix/core";
import type { SiteLeaseState } from "@cloudphoenix/engine";
import type { Process } from "./process.ts";
import type { Truth } from "./truth.ts";

/** One committed transaction. */
export interface Transaction {
  /** Null for a heartbeat. */
  readonly write: number | null;
  /** True time it was accepted at COMMIT. */
  readonly acceptedMs: number;
  readonly epoch: number;
  /** What a heartbeat says: the controller's clock, and the true time nobody can read. */
  readonly beat: { readonly atMs: number; readonly trueMs: number } | null;
}

/** What was recorded when this site was promoted. */
export interface PromotionRecord {
  readonly from: SiteId;
  readonly generation: number;
  /** Transactions of the old primary that were applied. */
  readonly applied: number;
  readonly beat: Transaction["beat"];
}

export type WriteAnswer =
  | { readonly kind: "refused"; readonly why: string }
  /** `leaseLeftMs` was read at COMMIT. */
  | { readonly kind: "done"; readonly epoch: number; readonly leaseLeftMs: number };

/** Behaviour that mutants switch off. */
export interface DatabaseRules {
  refusesOlderGenerations: boolean;
  checksAtCommit: boolean;
  extendChecksRole: boolean;
  recordsPromises: boolean;
}

export const SOUND_RULES: DatabaseRules = {
  refusesOlderGenerations: true,
  checksAtCommit: true,
  extendChecksRole: true,
  recordsPromises: true,
};

export class Database {
  readonly site: SiteId;
  readonly process: Process;
  readonly #truth: Truth;
  readonly #rules: DatabaseRules;
  role: "active" | "standby" | "fenced" = "standby";
  generation = 1;
  writesOpen = false;
  durability: DurabilityMode = "async";
  /** While it is fenced it waits for no standby. */
  waitsForStandby = true;
  /** On its own clock. Installed and lapsed from the start: a site never starts open. */
  leaseUntilMs = 0;
  promisedUntilMs: number | null = null;
  /** The site it follows, and how much of that site's log it has applied and confirmed. */
  follows: { readonly site: SiteId; applied: number; beat: Transaction["beat"] } | null = null;
  copyComplete = true;
  /** The standby stopped applying although everything is up. */
  applyStalled = false;
  promotion: PromotionRecord | null = null;
  readonly log: Transaction[] = [];
  /** How much of the log is on disk. */
  flushed = 0;
  /** Per follower: how much it has confirmed. */
  readonly confirmed: Map<SiteId, number> = new Map();
  /** How long statements and flushes take, milliseconds. */
  flushMs = 0.5;
  commitDelayMs = 1;
  #waiting: { readonly position: number; readonly done: () => void }[] = [];
  #flushing = false;
  /** Told when there is something new to send to followers. */
  onFlushed: () => void = () => undefined;

  constructor(site: SiteId, process: Process, truth: Truth, rules: DatabaseRules) {
    this.site = site;
    this.process = process;
    this.#truth = truth;
    this.#rules = rules;
  }

  /** What a crash takes away: everything that was not on disk, and everybody who waited. */
  crash(): void {
    this.process.crash();
    this.log.length = this.flushed;
    this.#waiting = [];
    this.#flushing = false;
  }

  /** Why a write is refused now; null if it is not. */
  refusal(): string | null {
    if (this.role !== "active") return `the site is ${this.role}`;
    if (!this.writesOpen) return "writes are closed";
    if (this.process.readClock() >= this.leaseUntilMs) return "the lease has run out";
    return null;
  }

  /** One transaction of a client; `answer` is called when the server answers, if it does. */
  write(id: number, answer: (result: WriteAnswer) => void): void {
    const atStart = this.refusal();
    if (atStart !== null) {
      answer({ kind: "refused", why: atStart });
      return;
    }
    this.process.after(this.commitDelayMs, () => {
      const atCommit = this.#rules.checksAtCommit ? this.refusal() : null;
      if (atCommit !== null) {
        answer({ kind: "refused", why: atCommit });
        return;
      }
      const leaseLeftMs = this.leaseUntilMs - this.process.readClock();
      const epoch = this.generation;
      this.#append({ write: id, acceptedMs: this.process.scheduler.nowMs, epoch, beat: null });
      this.#truth.accepted(this.site, epoch);
      const position = this.log.length;
      const done = (): void => answer({ kind: "done", epoch, leaseLeftMs });
      this.#waiting.push({ position, done });
    });
  }

  /**
   * Writes the heartbeat unless this database follows another one. A commit like any other: it is
   * answered once it is as safe as the durability mode says.
   */
  beat(atMs: number): Promise<number | null> {
    if (this.role === "standby") return Promise.resolve(null);
    const trueMs = this.process.scheduler.nowMs;
    const beat = { atMs, trueMs };
    this.#append({ write: null, acceptedMs: trueMs, epoch: this.generation, beat });
    const position = this.log.length;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#waiting.push({ position, done: () => resolve(position) });
    return promise;
  }

  /** The newest heartbeat readable here. */
  newestBeat(): Transaction["beat"] {
    if (this.follows !== null) return this.follows.beat;
    for (let index = this.log.length - 1; index >= 0; index -= 1) {
      const beat = this.log[index]?.beat ?? null;
      if (beat !== null) return beat;
    }
    return this.promotion?.beat ?? null;
  }

  /** A follower has applied and flushed this much. */
  confirm(follower: SiteId, applied: number): void {
    if (applied > (this.confirmed.get(follower) ?? -1)) this.confirmed.set(follower, applied);
    this.#answerWaiting();
  }

  /** Stores the generation, or refuses: the check every change makes where it writes. */
  accept(generation: number): void {
    if (generation < this.generation && this.#rules.refusesOlderGenerations) {
      throw stale(this.site, generation, this.generation);
    }
    this.#truth.changed(`the database of ${this.site}`, generation, this.generation);
    this.generation = generation;
  }

  /** Ends every session: what waits for an answer gets none. */
  endSessions(): void {
    this.#waiting = [];
  }

  leaseState(): SiteLeaseState {
    const { role, generation: epoch, leaseUntilMs: untilMs, promisedUntilMs } = this;
    return { role, epoch, nowMs: this.process.readClock(), untilMs, promisedUntilMs };
  }

  extendLease({ epoch, untilMs }: { readonly epoch: number; readonly untilMs: number }): void {
    const promised = (this.promisedUntilMs ?? 0) > this.process.readClock();
    const wrong = this.role !== "active" || this.generation !== epoch || promised;
    if (wrong && this.#rules.extendChecksRole) {
      throw new CloudPhoenixError(
        "STALE_GENERATION",
        `${this.site} is ${this.role} at ${this.generation}${promised ? " and has promised to stay closed" : ""}`,
        { retryable: false },
      );
    }
    this.leaseUntilMs = untilMs;
    if (!this.#rules.extendChecksRole) {
      this.role = "active";
      this.writesOpen = true;
    }
  }

  surrender(epoch: number): void {
    if (this.role === "active" && this.generation === epoch) return;
    this.accept(epoch);
    this.role = "fenced";
    this.writesOpen = false;
    this.leaseUntilMs = 0;
  }

  promise({ epoch, durationMs }: { readonly epoch: number; readonly durationMs: number }): void {
    const nowMs = this.process.readClock();
    const refused = this.role !== "standby" || this.generation > epoch || this.leaseUntilMs > nowMs;
    if (refused) {
      throw new CloudPhoenixError("PROMISE_REFUSED", `${this.site} will not promise`, {
        retryable: false,
      });
    }
    if (!this.#rules.recordsPromises) return;
    this.promisedUntilMs = Math.max(this.promisedUntilMs ?? 0, nowMs + durationMs);
  }

  refusePromises(epoch: number): SiteLeaseState {
    if (epoch < this.generation) throw stale(this.site, epoch, this.generation);
    this.accept(epoch);
    return this.leaseState();
  }

  #append(transaction: Transaction): void {
    this.log.push(transaction);
    if (this.#flushing) return;
    this.#flushing = true;
    this.process.after(this.flushMs, () => this.#flush());
  }

  /** Group commit: one flush takes along whatever was accepted before it began to end. */
  #flush(): void {
    this.#flushing = false;
    this.flushed = this.log.length;
    this.#answerWaiting();
    this.onFlushed();
  }

  #answerWaiting(): void {
    const waits = this.durability !== "async" && this.waitsForStandby;
    const safe = waits ? this.#confirmedByAll() : this.flushed;
    if (this.#waiting.length === 0) return;
    const ready = this.#waiting.filter((one) => one.position <= safe);
    this.#waiting = this.#waiting.filter((one) => one.position > safe);
    for (const one of ready) one.done();
  }

  #confirmedByAll(): number {
    if (this.confirmed.size === 0) return 0;
    return Math.min(this.flushed, ...this.confirmed.values());
  }
}

/** Refusal of an older generation, as every target words it. */
export function stale(target: string, asked: number, stored: number): CloudPhoenixError {
  return new CloudPhoenixError(
    "STALE_GENERATION",
    `${target} is at generation ${stored}; a change for ${asked} is refused`,
    { retryable: false },
  );
}

/** From here on the text of a position has a digit more. */
const LONGER_TEXT = 0x1000_0000n;
const TRANSACTION_BYTES = 0x38n;

/** A position of the log as PostgreSQL writes it; `shortPositions` of them have a digit less. */
export function lsnText(position: number, shortPositions: number): string {
  const bytes = LONGER_TEXT + BigInt(position - shortPositions) * TRANSACTION_BYTES;
  return `${(bytes >> 32n).toString(16).toUpperCase()}/${(bytes & 0xffff_ffffn).toString(16).toUpperCase()}`;
}

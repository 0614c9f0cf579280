/**
 * Keeps one store a copy of another, for as long as it is told to.
 *
 * Hints make it quick, comparisons of both listings make it true. Invariants:
 * 1. A change is pending from when it is known until both stores agree on its key; what does not fit
 *    into memory is left to the next comparison, and its age is kept.
 * 2. Authority is asked for before every batch of writes; the first refusal ends the copier.
 * 3. Every write names what it replaces, so that a copier that is late replaces nothing newer.
 * 4. An object is deleted only as a tombstone whose time has come, never because a listing lacks it.
 */
import { CloudPhoenixError, hasCode, messageOf } from "@cloudphoenix/core";
import type { ChangeHints } from "../change-hints.ts";
import type { CopyTools } from "../copy-tools.ts";
import type { ObjectPlace } from "../object-place.ts";
import type { ObjectEntry } from "../object-store.ts";
import type { TombstoneStore } from "../tombstone-store.ts";
import { BacklogGauge } from "./backlog.ts";
import { readCanary, writeCanary } from "./canary.ts";
import { Deletions, type DeleteLimits } from "./deletions.ts";
import { FailureList } from "./failure-list.ts";
import { FINAL_FAILURES } from "./final-failures.ts";
import { takeHints } from "./hint-intake.ts";
import { KeyMover } from "./key-mover.ts";
import { type PendingChange, PendingChanges } from "./pending-changes.ts";
import { reconcile } from "./reconcile.ts";
import { ReconciliationSchedule } from "./reconciliation-schedule.ts";
import type { ObjectReplicationFacts } from "./replication-facts.ts";
import { Wakeup } from "./wakeup.ts";

export interface ContinuousLimits {
  /** Objects copied at the same time. */
  readonly inFlight: number;
  /** Keys remembered as pending. */
  readonly pendingMax: number;
  readonly canaryMs: number;
  /** Shortest and longest time between two comparisons. */
  readonly reconcileMinMs: number;
  readonly reconcileMaxMs: number;
  readonly deletes: DeleteLimits;
}

export interface ContinuousCopyOptions {
  readonly from: string;
  readonly to: string;
  readonly generation: number;
  readonly source: ObjectPlace;
  readonly target: ObjectPlace;
  /** Null: changes are found by comparing alone. */
  readonly hints: ChangeHints | null;
  /** Its retries should be short: what fails is tried again later, and others go on meanwhile. */
  readonly tools: CopyTools;
  readonly tombstones: TombstoneStore;
  readonly limits: ContinuousLimits;
  /**
   * Resolves if this copier may still write from here to there; asked before every batch, at most
   * every `AUTHORITY_MS`.
   * @throws {CloudPhoenixError} `STALE_GENERATION` or `CLAIM_LOST` if it may not; anything retryable
   * if that cannot be told now
   */
  readonly authority: (signal: AbortSignal) => Promise<void>;
  /** See `KeyMoverOptions`. */
  readonly mayReplace: (target: ObjectEntry) => boolean;
  /** What an earlier process told last about the same direction and generation. */
  readonly earlier: ObjectReplicationFacts | null;
  readonly log: (level: "info" | "warn", message: string) => void;
}

/** Keys handed out at once, and how long authority is good for: together they make a batch. */
const BATCH_MAX = 64;
const AUTHORITY_MS = 100;
const IDLE_MS = 100;
const LOOP_AGAIN_MS = 1_000;
const AGAIN_FIRST_MS = 500;
const AGAIN_MAX_MS = 60_000;
const NO_AUTHORITY = ["STALE_GENERATION", "CLAIM_LOST"] as const;

export class ContinuousCopy {
  readonly #options: ContinuousCopyOptions;
  readonly #pending: PendingChanges;
  readonly #gauge: BacklogGauge;
  readonly #failures = new FailureList();
  readonly #schedule: ReconciliationSchedule;
  readonly #mover: KeyMover;
  readonly #deletions: Deletions;
  readonly #work: Wakeup;
  readonly #moving = new Set<Promise<void>>();
  #authorisedMs = -Infinity;
  #canarySeenMs: number | null;
  #lastReconciledMs: number | null;
  #copied = 0;
  #bytes = 0;

  constructor(options: ContinuousCopyOptions) {
    this.#options = options;
    const { limits, earlier, tools } = options;
    this.#pending = new PendingChanges(limits.pendingMax);
    this.#gauge = new BacklogGauge(earlier?.markMs ?? null);
    this.#canarySeenMs = earlier?.canarySeenMs ?? null;
    this.#lastReconciledMs = earlier?.lastReconciledMs ?? null;
    this.#schedule = new ReconciliationSchedule({
      minMs: limits.reconcileMinMs,
      maxMs: limits.reconcileMaxMs,
    });
    this.#mover = new KeyMover(options);
    this.#deletions = new Deletions({
      ...options,
      authority: (signal) => this.#authorise(signal),
      mover: this.#mover,
      limits: limits.deletes,
      onConflict: (name, error) => this.#noteFailure(name, error),
    });
    this.#work = new Wakeup(tools.surroundings.clock);
  }

  /**
   * Copies until `signal` aborts or authority is refused; no write is begun after that, and none is
   * under way when this returns.
   * @throws {CloudPhoenixError} what authority was refused with; `ABORTED`
   */
  async run(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const inner = AbortSignal.any([signal, over.signal]);
    const loops = [
      this.#copyLoop(inner),
      this.#again("hints", inner, () => this.#hintLoop(inner)),
      this.#again("the canary", inner, () => this.#canaryLoop(inner)),
      this.#again("comparing", inner, () => this.#reconcileLoop(inner)),
    ];
    try {
      await Promise.race(loops);
    } finally {
      over.abort();
      await Promise.allSettled(loops);
      await Promise.allSettled(this.#moving);
    }
  }

  /** What is known now. Cheap enough for once a second. */
  facts(): ObjectReplicationFacts {
    const { from, to, generation } = this.#options;
    const atMs = this.#now();
    const serverSide = this.#options.tools.serverSide?.counts;
    const backlog = this.#gauge.at(atMs, this.#pending.oldestMs);
    return {
      from,
      to,
      generation,
      backlogAgeMs: backlog.ageMs,
      pending: this.#pending.size,
      markMs: backlog.markMs,
      canarySeenMs: this.#canarySeenMs,
      lastReconciledMs: this.#lastReconciledMs,
      copied: this.#copied,
      bytes: this.#bytes,
      copiedServerSide: serverSide?.objects ?? 0,
      bytesServerSide: serverSide?.bytes ?? 0,
      deleted: this.#deletions.deleted,
      failed: this.#failures.count,
      failures: this.#failures.listed,
      paused: this.#deletions.refusal,
      atMs,
    };
  }

  /** Names that are on their way, at most `count`: what a copier that ends leaves to others. */
  pendingNames(count: number): readonly string[] {
    return this.#pending.names(count);
  }

  /** Takes what is due, asks whether it may be written, and has it brought over. */
  async #copyLoop(signal: AbortSignal): Promise<void> {
    const { limits } = this.#options;
    for (;;) {
      const free = Math.min(BATCH_MAX, limits.inFlight - this.#moving.size);
      const batch = this.#pending.take(free, this.#now());
      if (batch.length === 0) {
        await this.#work.wait(IDLE_MS, signal);
        continue;
      }
      try {
        await this.#authorise(signal);
      } catch (error) {
        for (const { key } of batch) this.#pending.putBack(key);
        if (!isRetryable(error) || signal.aborted) throw error;
        this.#options.log(
          "warn",
          `nothing is copied until it is known who is active: ${messageOf(error)}`,
        );
        await this.#options.tools.surroundings.clock.sleep(LOOP_AGAIN_MS, signal);
        continue;
      }
      for (const change of batch) {
        const moving = this.#bring(change, signal).finally(() => {
          this.#moving.delete(moving);
          this.#work.wake();
        });
        this.#moving.add(moving);
      }
    }
  }

  /** Counted from when it was asked for: the answer may have waited behind a frozen process. */
  async #authorise(signal: AbortSignal): Promise<void> {
    const askedMs = this.#now();
    if (askedMs - this.#authorisedMs < AUTHORITY_MS) return;
    await this.#options.authority(signal);
    this.#authorisedMs = askedMs;
  }

  async #bring(change: PendingChange, signal: AbortSignal): Promise<void> {
    const { key } = change;
    try {
      const outcome = await this.#mover.bring(key, signal);
      if (outcome.kind === "copied") {
        this.#copied += 1;
        this.#bytes += outcome.sizeBytes;
      }
      this.#pending.settle(key);
      this.#failures.healed(key);
    } catch (error) {
      this.#failed(change, error, signal);
    }
  }

  #failed({ key, attempts }: PendingChange, error: unknown, signal: AbortSignal): void {
    if (signal.aborted) {
      this.#pending.putBack(key);
      return;
    }
    const { retried } = this.#noteFailure(key, error);
    if (!retried) {
      this.#pending.settle(key);
      return;
    }
    const { random } = this.#options.tools.surroundings;
    const waitMs = Math.min(AGAIN_MAX_MS, AGAIN_FIRST_MS * 2 ** attempts);
    this.#pending.defer(key, this.#now() + waitMs / 2 + (random.next() * waitMs) / 2);
  }

  #noteFailure(key: string, error: unknown): { readonly retried: boolean } {
    const retried = !FINAL_FAILURES.some((code) => hasCode(error, code));
    const code = error instanceof CloudPhoenixError ? error.code : "INTERNAL";
    this.#failures.failed({ key, code, message: messageOf(error), retried }, this.#now());
    return { retried };
  }

  async #hintLoop(signal: AbortSignal): Promise<void> {
    const { hints, source, log } = this.#options;
    if (hints === null) {
      await this.#options.tools.surroundings.clock.sleep(AGAIN_MAX_MS, signal);
      return;
    }
    await takeHints(
      hints,
      {
        heard: (name, changedMs) => {
          const nowMs = this.#now();
          this.#gauge.heard(changedMs, nowMs);
          this.#pending.heard(name, Math.min(changedMs, nowMs), nowMs);
          this.#work.wake();
        },
        prefix: source.prefix,
        log,
      },
      signal,
    );
  }

  /** Writes it here, looks for it there. Each may fail without the other. */
  async #canaryLoop(signal: AbortSignal): Promise<void> {
    const { limits, tools } = this.#options;
    for (;;) {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(limits.canaryMs * 5)]);
      const results = await Promise.allSettled([
        this.#writeCanary(limited),
        this.#lookForCanary(limited),
      ]);
      for (const result of results) {
        if (result.status === "rejected" && !isRetryable(result.reason)) throw result.reason;
      }
      await tools.surroundings.clock.sleep(limits.canaryMs, signal);
    }
  }

  async #writeCanary(signal: AbortSignal): Promise<void> {
    const { from, generation, source } = this.#options;
    await this.#authorise(signal);
    await writeCanary(source, { writtenMs: this.#now(), site: from, generation }, signal);
  }

  async #lookForCanary(signal: AbortSignal): Promise<void> {
    const canary = await readCanary(this.#options.target, signal);
    if (canary?.site !== this.#options.from) return;
    this.#canarySeenMs = Math.max(this.#canarySeenMs ?? -Infinity, canary.writtenMs);
  }

  async #reconcileLoop(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.tools.surroundings;
    for (;;) {
      const nowMs = this.#now();
      const wanted = this.#pending.overflowed || this.#gauge.reconciliationWanted(nowMs);
      if (this.#schedule.isDue(nowMs, wanted)) await this.#reconcile(signal);
      await clock.sleep(IDLE_MS, signal);
    }
  }

  async #reconcile(signal: AbortSignal): Promise<void> {
    const { source, target, tools } = this.#options;
    const beganMs = this.#now();
    try {
      await this.#deletions.beginRound();
      const objects = await reconcile(
        {
          source,
          target,
          surroundings: tools.surroundings,
          retries: tools.retries,
          differs: (name, { modifiedMs }) => {
            this.#mover.forget(name);
            this.#pending.found(name, Math.min(modifiedMs, beganMs), this.#now());
            this.#work.wake();
          },
          onlyAtTarget: (missing) => this.#deletions.note(missing),
          same: (name) => this.#failures.healed(name),
          hasRoom: () => this.#pending.hasRoom,
        },
        signal,
      );
      this.#pending.reconciled(beganMs);
      this.#gauge.reconciled(beganMs);
      this.#failures.reconciled(beganMs);
      this.#lastReconciledMs = beganMs;
      await this.#deletions.completeRound(objects, signal);
      this.#schedule.completed(beganMs, this.#now());
    } catch (error) {
      this.#schedule.failed(this.#now());
      throw error;
    }
  }

  /** Begins a loop anew that failed; only lost authority and the signal end it. */
  async #again(what: string, signal: AbortSignal, loop: () => Promise<void>): Promise<void> {
    let said = "";
    for (;;) {
      try {
        await loop();
      } catch (error) {
        if (signal.aborted || NO_AUTHORITY.some((code) => hasCode(error, code))) throw error;
        const message = `${what}: ${messageOf(error)}`;
        if (message !== said) this.#options.log("warn", message);
        said = message;
      }
      await this.#options.tools.surroundings.clock.sleep(LOOP_AGAIN_MS, signal);
    }
  }

  #now(): number {
    return this.#options.tools.surroundings.clock.now();
  }
}

function isRetryable(error: unknown): boolean {
  return error instanceof CloudPhoenixError && error.retryable;
}

/**
 * Keeps one store a copy of another, for as long as it is told to.
 *
 * Hints make it quick, comparisons of both listings make it true. Invariants:
 * 1. A change is pending from when it is known until both stores agree on its key; what does not fit
 *    into memory is left to the next comparison, and its age is kept.
 * 2. Authority is asked for before every batch of writes; the first refusal ends the copier.
 * 3. Every write names what it replaces, so that a copier that is late replaces nothing newer.
 * 4. All instants are on the clock of `tools`, those of the source's store brought to it (`SourceTime`).
 * 5. An object is deleted only as a tombstone whose time has come, never because a listing lacks it.
 */
import { CloudPhoenixError, messageOf } from "@cloudphoenix/core";
import { Lane } from "../lane.ts";
import { beginAgain, LOOP_AGAIN_MS } from "./begin-again.ts";
import { BacklogGauge } from "./backlog.ts";
import { CanaryLoop } from "./canary-loop.ts";
import { Comparisons } from "./comparisons.ts";
import type { ContinuousCopyOptions } from "./continuous-copy-options.ts";
import { CopiedNotes } from "./copied-notes.ts";
import {
  type CopierMemory,
  type CopiedMark,
  earlierBacklog,
  trustedMemory,
} from "./copier-memory.ts";
import { Deletions } from "./deletions.ts";
import { type FailureFacts, withEarlier } from "./earlier-failures.ts";
import { FailureList } from "./failure-list.ts";
import { FINAL_FAILURES } from "./final-failures.ts";
import { takeHints } from "./hint-intake.ts";
import { KeyMover } from "./key-mover.ts";
import { type PendingChange, PendingChanges } from "./pending-changes.ts";
import type { ObjectReplicationFacts } from "./replication-facts.ts";
import { slowedTools } from "./slowed-tools.ts";
import { SourceTime } from "./source-time.ts";
import { StaleHints } from "./stale-hints.ts";
import { Wakeup } from "./wakeup.ts";

/** A change that could not be copied; without an instant, an object that is at the target alone. */
interface FailedChange {
  readonly key: string;
  readonly changedMs: number | null;
  /** In a row, this one included. */
  readonly tries: number;
}

/** Keys handed out at once, and how long authority is good for: together they make a batch. */
const BATCH_MAX = 64;
const AUTHORITY_MS = 100;
const IDLE_MS = 100;
const AGAIN_FIRST_MS = 500;
const AGAIN_MAX_MS = 60_000;

export class ContinuousCopy {
  readonly #options: ContinuousCopyOptions;
  readonly #pending: PendingChanges;
  readonly #gauge: BacklogGauge;
  readonly #failures = new FailureList();
  readonly #mover: KeyMover;
  readonly #notes: CopiedNotes;
  readonly #deletions: Deletions;
  readonly #work: Wakeup;
  readonly #lane: Lane;
  readonly #sourceTime: SourceTime;
  readonly #staleHints: StaleHints;
  readonly #earlier: CopierMemory | null;
  readonly #canary: CanaryLoop;
  readonly #comparisons: Comparisons;
  #moving = 0;
  #authorisedMs = -Infinity;
  #copied = 0;
  #bytes = 0;
  #copiedMs = -Infinity;

  constructor(options: ContinuousCopyOptions) {
    this.#options = options;
    const { limits, tools, source } = options;
    const { clock } = tools.surroundings;
    this.#earlier = trustedMemory(options.earlier, clock.now());
    const earlier = this.#earlier?.facts;
    this.#pending = new PendingChanges(limits.pendingMax);
    this.#gauge = new BacklogGauge(this.#earlier && earlierBacklog(this.#earlier, clock.now()));
    this.#lane = new Lane({ most: limits.inFlight, waitingMost: 0, clock });
    const copiedUntilMs = (): number | null => this.memory().copied?.untilMs ?? null;
    this.#notes = new CopiedNotes({ ...options, clock, copiedUntilMs });
    const slowed = slowedTools(tools, this.#lane);
    this.#mover = new KeyMover({ ...options, tools: slowed, notes: this.#notes });
    this.#deletions = new Deletions({
      ...options,
      authority: (signal) => this.#authorise(signal),
      mover: this.#mover,
      limits: limits.deletes,
      earlier: this.#earlier?.deletes ?? [],
      oldestUncopiedMs: () => oldestOf(this.#pending.oldestMs, this.#failures.oldestUnseenMs),
      mayBeRenamed: (missing) => this.#failures.mayBeRenamed(missing),
      onConflict: (key, error) => this.#noteFailure({ key, changedMs: null, tries: 1 }, error),
      onRefused: (key, error) => this.#noteFailure({ key, changedMs: null, tries: 1 }, error),
      onDeleted: (name) => this.#noteDeleted(name),
    });
    this.#sourceTime = new SourceTime(source);
    this.#staleHints = new StaleHints(clock.now(), earlier?.markMs ?? null);
    this.#work = new Wakeup(clock);
    this.#canary = new CanaryLoop({
      ...options,
      everyMs: limits.canaryMs,
      clock,
      authority: (signal) => this.#authorise(signal),
      sourceTime: this.#sourceTime,
      seenMs: earlier?.canarySeenMs ?? null,
    });
    this.#comparisons = this.#comparing();
  }

  #comparing(): Comparisons {
    const { source, target, tools, limits } = this.#options;
    return new Comparisons({
      source,
      target,
      tools,
      pending: this.#pending,
      failures: this.#failures,
      gauge: this.#gauge,
      deletions: this.#deletions,
      staleHints: this.#staleHints,
      mover: this.#mover,
      sourceTime: this.#sourceTime,
      minMs: limits.reconcileMinMs,
      maxMs: limits.reconcileMaxMs,
      deleteDelayMs: limits.deletes.delayMs,
      onFound: () => this.#work.wake(),
      onComplete: async (signal) => {
        await this.#authorise(signal);
        await this.#mover.endLeftUploads(signal);
      },
    });
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
      this.#again("the canary", inner, () => this.#canary.run(inner)),
      this.#again("noting what is copied", inner, () => this.#notes.run(inner)),
      this.#again("comparing", inner, async () => {
        await this.#canary.begun;
        await this.#comparisons.run(inner);
      }),
    ];
    try {
      await Promise.race(loops);
    } finally {
      over.abort();
      await Promise.allSettled(loops);
      await this.#lane.drained();
      await this.#notes.flush().catch((error: unknown) => {
        this.#options.log("warn", `what was copied last is not noted: ${messageOf(error)}`);
      });
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
      canarySeenMs: this.#canary.seenMs,
      lastReconciledMs: this.#comparisons.lastMs ?? this.#earlier?.facts.lastReconciledMs ?? null,
      copied: this.#copied,
      bytes: this.#bytes,
      copiedServerSide: serverSide?.objects ?? 0,
      bytesServerSide: serverSide?.bytes ?? 0,
      deleted: this.#deletions.deleted,
      ...this.#failureFacts(),
      paused: null,
      deletesHeldBack: this.#deletions.refusal,
      atMs,
    };
  }

  /** Names that are on their way, at most `count`: what a copier that ends leaves to others. */
  pendingNames(count: number): readonly string[] {
    return this.#pending.names(count);
  }

  /** What is known now, for whoever takes over, here or in the other direction. */
  memory(): CopierMemory {
    const facts = this.facts();
    const deletes = this.#deletions.deletedLately(facts.atMs);
    return { facts, copied: this.#copiedUntil(facts.markMs), deletes };
  }

  /** As for `#copiedUntil`: what is final is noticed by trying, and a comparison tells what to try. */
  #failureFacts(): FailureFacts {
    const { count: failed, finalCount: needPerson, listed: failures } = this.#failures;
    const own = { failed, needPerson, failures };
    if (this.#earlier === null || this.#comparisons.lastMs !== null) return own;
    return withEarlier(own, this.#earlier.facts);
  }

  /** What an earlier process knew holds until a comparison of ours is complete. */
  #copiedUntil(markMs: number | null): CopiedMark | null {
    const known = this.#failures.uncopied;
    const earlier = this.#earlier?.copied ?? null;
    if (this.#comparisons.lastMs !== null && markMs !== null) {
      return { untilMs: Math.min(markMs, known.untilMs), except: known.except };
    }
    if (earlier === null) return null;
    const except = [...new Set([...earlier.except, ...known.except])];
    return { untilMs: Math.min(earlier.untilMs, known.untilMs), except };
  }

  /** Takes what is due, asks whether it may be written, and has it brought over. */
  async #copyLoop(signal: AbortSignal): Promise<void> {
    for (;;) {
      const free = Math.min(BATCH_MAX, this.#lane.limit - this.#moving);
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
      this.#moving += batch.length;
      for (const change of batch) void this.#lane.add(() => this.#bring(change, signal));
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
    const { key, atTarget } = change;
    try {
      const outcome = await this.#mover.bring(key, signal, atTarget);
      if (outcome.kind === "copied") {
        this.#copied += 1;
        this.#bytes += outcome.sizeBytes;
        this.#copiedMs = this.#now();
      }
      this.#pending.settle(key);
      this.#failures.healed(key);
    } catch (error) {
      this.#failed(change, error, signal);
    } finally {
      this.#moving -= 1;
      this.#work.wake();
    }
  }

  #failed({ key, changedMs, attempts }: PendingChange, error: unknown, signal: AbortSignal): void {
    if (signal.aborted) {
      this.#pending.putBack(key);
      return;
    }
    const { retried } = this.#noteFailure({ key, changedMs, tries: attempts + 1 }, error);
    if (!retried) {
      this.#pending.settle(key);
      return;
    }
    const { random } = this.#options.tools.surroundings;
    const waitMs = Math.min(AGAIN_MAX_MS, AGAIN_FIRST_MS * 2 ** attempts);
    this.#pending.defer(key, this.#now() + waitMs / 2 + (random.next() * waitMs) / 2);
  }

  #noteFailure(
    { key, changedMs, tries }: FailedChange,
    error: unknown,
  ): { readonly retried: boolean } {
    const code = error instanceof CloudPhoenixError ? error.code : "INTERNAL";
    const isAlone = changedMs === null;
    const retried = !(
      isAlone ||
      FINAL_FAILURES.some((final) => final === code) ||
      this.#failures.isLasting({ key, code, tries, othersCopiedMs: this.#copiedMs })
    );
    const failure = { key, code, message: messageOf(error), changedMs, retried };
    if (this.#failures.failed(failure, this.#now())) {
      const what = isAlone ? "deleted" : "copied";
      const then = retried ? "it is tried again" : "it needs a person";
      this.#options.log("warn", `${key} is not ${what}, ${then}: ${code}: ${failure.message}`);
    }
    return { retried };
  }

  /** If it was stored again in that very instant, that is seen now. */
  #noteDeleted(name: string): void {
    this.#mover.forget(name);
    this.#notes.deleted(name);
    this.#failures.healed(name);
    const nowMs = this.#now();
    this.#pending.heard(name, nowMs, nowMs);
    this.#work.wake();
  }

  async #hintLoop(signal: AbortSignal): Promise<void> {
    const { hints, source, log } = this.#options;
    if (hints === null) {
      await this.#options.tools.surroundings.clock.sleep(AGAIN_MAX_MS, signal);
      return;
    }
    await this.#canary.begun;
    await takeHints(
      hints,
      {
        heard: (name, storeMs) => this.#heard(name, storeMs),
        prefix: source.prefix,
        log,
      },
      signal,
    );
  }

  #heard(name: string, storeMs: number): void {
    const nowMs = this.#now();
    const changedMs = this.#sourceTime.onOurClock(storeMs, nowMs);
    if (this.#staleHints.isStale(changedMs)) return;
    this.#gauge.heard(changedMs, nowMs);
    this.#pending.heard(name, changedMs, nowMs);
    this.#work.wake();
  }

  #again(what: string, signal: AbortSignal, loop: () => Promise<void>): Promise<never> {
    const { log, tools } = this.#options;
    return beginAgain({ what, loop, log, clock: tools.surroundings.clock }, signal);
  }

  #now(): number {
    return this.#options.tools.surroundings.clock.now();
  }
}

function oldestOf(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}

function isRetryable(error: unknown): boolean {
  return error instanceof CloudPhoenixError && error.retryable;
}

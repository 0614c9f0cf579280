/**
 * Comparisons of both listings, when they are due, and what follows from one that was complete: the
 * mark, and the deletes.
 */
import type { CopyTools } from "../copy-tools.ts";
import type { ObjectPlace } from "../object-place.ts";
import type { ObjectEntry } from "../object-store.ts";
import type { MissingObject } from "../tombstone-store.ts";
import type { BacklogGauge } from "./backlog.ts";
import type { Deletions } from "./deletions.ts";
import type { FailureList } from "./failure-list.ts";
import type { KeyMover } from "./key-mover.ts";
import type { PendingChanges } from "./pending-changes.ts";
import { reconcile } from "./reconcile.ts";
import { ReconciliationSchedule } from "./reconciliation-schedule.ts";
import type { SourceTime } from "./source-time.ts";
import type { StaleHints } from "./stale-hints.ts";

export interface ComparisonsParts {
  readonly source: ObjectPlace;
  readonly target: ObjectPlace;
  readonly tools: CopyTools;
  readonly pending: PendingChanges;
  readonly failures: FailureList;
  readonly gauge: BacklogGauge;
  readonly deletions: Deletions;
  readonly staleHints: StaleHints;
  readonly mover: Pick<KeyMover, "forget" | "isProven" | "sawAtBoth">;
  readonly sourceTime: SourceTime;
  /** Shortest and longest time between two of them. */
  readonly minMs: number;
  readonly maxMs: number;
  /** How long a deleted object stays at the target. */
  readonly deleteDelayMs: number;
  /** One was complete, and its deletes are done. */
  readonly onComplete: (signal: AbortSignal) => Promise<void>;
  /** There is something to copy. */
  readonly onFound: () => void;
}

/** What a comparison saw of one name that is at the source. */
interface Differing {
  readonly there: ObjectEntry;
  readonly here: ObjectEntry | null;
  readonly beganMs: number;
}

const LOOK_MS = 100;
/** How long deletes wait for what a comparison found to be copied. */
const SETTLE_MAX_MS = 30_000;
const SETTLE_LOOK_MS = 1_000;

export class Comparisons {
  readonly #parts: ComparisonsParts;
  readonly #schedule: ReconciliationSchedule;
  #lastMs: number | null = null;

  constructor(parts: ComparisonsParts) {
    this.#parts = parts;
    this.#schedule = new ReconciliationSchedule({ minMs: parts.minMs, maxMs: parts.maxMs });
  }

  /** When the newest complete one began; null before the first. */
  get lastMs(): number | null {
    return this.#lastMs;
  }

  /** Compares whenever it is due. @throws {CloudPhoenixError} what ended one half-way; `ABORTED` */
  async run(signal: AbortSignal): Promise<void> {
    const { pending, gauge, tools } = this.#parts;
    for (;;) {
      const nowMs = this.#now();
      const wanted = pending.overflowed || gauge.reconciliationWanted(nowMs);
      if (this.#schedule.isDue(nowMs, wanted)) {
        await this.#compare(signal);
        await this.#parts.onComplete(signal);
      }
      await tools.surroundings.clock.sleep(LOOK_MS, signal);
    }
  }

  async #compare(signal: AbortSignal): Promise<void> {
    const { source, target, tools, pending, failures, deletions, mover } = this.#parts;
    const beganMs = this.#now();
    try {
      failures.comparing();
      await deletions.beginRound();
      const objects = await reconcile(
        {
          source,
          target,
          surroundings: tools.surroundings,
          retries: tools.retries,
          differs: (name, there, here) => this.#differs(name, { there, here, beganMs }),
          onlyAtTarget: (missing) => this.#onlyAtTarget(missing),
          same: (name, there, here) => {
            mover.sawAtBoth(name, there, here);
            failures.healed(name);
          },
          hasRoom: () => pending.hasRoom,
        },
        signal,
      );
      this.#complete(beganMs);
      const completedMs = await deletions.completeRound(objects);
      this.#schedule.completed(beganMs, this.#now());
      if (completedMs === null) return;
      await this.#settled(completedMs, signal);
      await deletions.deleteDue(completedMs, objects.targetObjects, signal);
    } catch (error) {
      this.#schedule.failed(this.#now());
      throw error;
    }
  }

  #complete(beganMs: number): void {
    const { pending, gauge, failures, staleHints } = this.#parts;
    pending.reconciled(beganMs);
    gauge.reconciled(beganMs);
    failures.compared(beganMs);
    staleHints.compared(beganMs);
    this.#lastMs = beganMs;
  }

  #differs(name: string, { there, here, beganMs }: Differing): void {
    const { pending, failures, mover, sourceTime, onFound } = this.#parts;
    const pair = here === null ? null : { sourceEtag: there.etag, targetEtag: here.etag };
    if (pair !== null && mover.isProven(name, pair)) {
      failures.healed(name);
      return;
    }
    const nowMs = this.#now();
    const changedMs = sourceTime.onOurClock(there.modifiedMs, beganMs);
    mover.forget(name);
    failures.met(name, nowMs, there.sizeBytes);
    pending.found({ key: name, changedMs, nowMs, atTarget: here !== null });
    onFound();
  }

  #onlyAtTarget(missing: readonly MissingObject[]): Promise<void> {
    const { failures, deletions } = this.#parts;
    const nowMs = this.#now();
    for (const { name } of missing) failures.metAlone(name, nowMs);
    return deletions.note(missing);
  }

  /** Waits a while for changes that are older than what may be deleted now. */
  async #settled(completedMs: number, signal: AbortSignal): Promise<void> {
    const { pending, tools, minMs, deleteDelayMs } = this.#parts;
    const dueMs = completedMs - deleteDelayMs;
    const untilMs = completedMs + Math.min(SETTLE_MAX_MS, minMs);
    while (this.#now() < untilMs && (pending.oldestMs ?? Infinity) <= dueMs) {
      await tools.surroundings.clock.sleep(SETTLE_LOOK_MS, signal);
    }
  }

  #now(): number {
    return this.#parts.tools.surroundings.clock.now();
  }
}

import type { Pair } from "./merge-listings.ts";
import type { ObjectEntry } from "./object-store.ts";
import { isOwnCopy } from "./stamp.ts";
import type { Surroundings } from "./surroundings.ts";
import type { SyncFailure, SyncProgress } from "./sync-summary.ts";

/** How many failures are kept by name. */
const FAILURES_KEPT = 100;

/** Rates are of the last seconds: this many windows of a second. */
const WINDOWS = 10;

interface Window {
  readonly startMs: number;
  readonly bytes: number;
  readonly objects: number;
}

/** Counts a sync as it goes. The fields say what `SyncProgress` says of them. */
export class SyncTally {
  readonly #clock: Surroundings["clock"];
  readonly #startedMs: number;
  readonly failures: SyncFailure[] = [];
  #windows: Window[] = [];
  sourceObjects = 0;
  targetObjects = 0;
  listingComplete = false;
  same = 0;
  toCopy = 0;
  toCopyBytes = 0;
  unsure = 0;
  unsureBytes = 0;
  foreign = 0;
  perhapsForeign = 0;
  copied = 0;
  copiedBytes = 0;
  sentBytes = 0;
  alreadyThere = 0;
  gone = 0;
  failed = 0;
  tagsLost = 0;
  tagsUnseen = 0;
  partsKept = 0;
  retries = 0;
  missing = 0;

  constructor(clock: Surroundings["clock"]) {
    this.#clock = clock;
    this.#startedMs = clock.now();
  }

  /** `targetTells`: its listing shows stamps. */
  listed(pair: Pair, targetTells: boolean): void {
    if (pair.source !== null) this.sourceObjects += 1;
    if (pair.target !== null) this.targetObjects += 1;
    if (pair.kind === "same") this.same += 1;
    else if (pair.kind === "onlyAtTarget") this.missing += 1;
    else {
      this.toCopy += 1;
      this.toCopyBytes += pair.source.sizeBytes;
      if (pair.target !== null) this.#replaced(pair.target, targetTells);
    }
    if (pair.kind === "unsure") {
      this.unsure += 1;
      this.unsureBytes += pair.source.sizeBytes;
    }
  }

  #replaced(target: ObjectEntry, targetTells: boolean): void {
    if (isOwnCopy(target)) return;
    if (targetTells || target.stamp !== null) this.foreign += 1;
    else this.perhapsForeign += 1;
  }

  fail(failure: SyncFailure): void {
    this.failed += 1;
    this.keep(failure);
  }

  /** Lists a failure that is not one of copying. */
  keep(failure: SyncFailure): void {
    if (this.failures.length < FAILURES_KEPT) this.failures.push(failure);
  }

  progress(): SyncProgress {
    const { rate, remainingMs } = this.#pace();
    return {
      sourceObjects: this.sourceObjects,
      targetObjects: this.targetObjects,
      listingComplete: this.listingComplete,
      same: this.same,
      toCopy: this.toCopy,
      toCopyBytes: this.toCopyBytes,
      unsure: this.unsure,
      unsureBytes: this.unsureBytes,
      foreign: this.foreign,
      perhapsForeign: this.perhapsForeign,
      copied: this.copied,
      copiedBytes: this.copiedBytes,
      sentBytes: this.sentBytes,
      alreadyThere: this.alreadyThere,
      gone: this.gone,
      failed: this.failed,
      tagsLost: this.tagsLost,
      tagsUnseen: this.tagsUnseen,
      partsKept: this.partsKept,
      retries: this.retries,
      elapsedMs: this.#clock.now() - this.#startedMs,
      bytesPerSecond: rate.bytes,
      objectsPerSecond: rate.objects,
      remainingMs,
    };
  }

  get #finished(): number {
    return this.copied + this.alreadyThere + this.gone + this.failed;
  }

  #pace(): { rate: { bytes: number; objects: number }; remainingMs: number | null } {
    const nowMs = this.#clock.now();
    const now = { startMs: nowMs, bytes: this.sentBytes, objects: this.#finished };
    const oldest = this.#windows[0] ?? { startMs: this.#startedMs, bytes: 0, objects: 0 };
    const newest = this.#windows.at(-1);
    if (newest === undefined || nowMs - newest.startMs >= 1_000) {
      this.#windows = [...this.#windows.slice(1 - WINDOWS), now];
    }
    const seconds = Math.max(0.001, (nowMs - oldest.startMs) / 1_000);
    const rate = {
      bytes: Math.round((now.bytes - oldest.bytes) / seconds),
      objects: Math.round((now.objects - oldest.objects) / seconds),
    };
    return { rate, remainingMs: this.#remainingMs(rate) };
  }

  #remainingMs(rate: { readonly bytes: number; readonly objects: number }): number | null {
    if (!this.listingComplete) return null;
    const objects = this.toCopy - this.#finished;
    const bytes = Math.max(0, this.toCopyBytes - this.sentBytes);
    if (objects <= 0) return 0;
    if (rate.objects === 0 && rate.bytes === 0) return null;
    // Small objects are limited by their number, large ones by their bytes: the slower one counts.
    const byObjects = rate.objects === 0 ? 0 : objects / rate.objects;
    const byBytes = rate.bytes === 0 ? 0 : bytes / rate.bytes;
    return Math.round(Math.max(byObjects, byBytes) * 1_000);
  }
}

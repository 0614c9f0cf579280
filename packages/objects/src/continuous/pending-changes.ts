/**
 * Keys that may have changed and are not known to be copied, in bounded memory.
 *
 * 1. One key is there once, however many hints came; it keeps the time of its oldest change.
 * 2. A hint about a key that is being copied makes it due again: the copy may be of what was before.
 * 3. What does not fit is not remembered by key, but its time is, until a reconciliation that began
 *    after the last of it has been through. The oldest change is therefore never forgotten.
 * 4. What was heard of takes at most half of the memory, so that a comparison never waits for hints.
 * 5. What was heard of goes before what a comparison found, so that a new object does not wait behind
 *    a first copy of everything; every fourth turn is the other's, so that this one ends, too.
 */

export interface PendingChange {
  readonly key: string;
  /** When the oldest change that is not known to be copied happened. */
  readonly changedMs: number;
  /** Attempts that failed since it was last settled. */
  readonly attempts: number;
  /** A comparison saw something under the key at the target. */
  readonly atTarget: boolean;
}

interface Deferred extends PendingChange {
  readonly dueMs: number;
}

interface InFlight extends PendingChange {
  /** Oldest change noted since it was taken. */
  againMs: number | null;
}

interface Noted {
  readonly key: string;
  readonly changedMs: number;
  readonly nowMs: number;
  readonly atTarget: boolean;
  /** Most keys of its kind that wait. */
  readonly most: number;
}

interface Overflow {
  readonly oldestMs: number;
  /** When the last change was dropped. */
  readonly lastDroppedMs: number;
}

/** Of so many keys handed out one was found by a comparison, if there is one. */
const FOUND_TURN = 4;

export class PendingChanges {
  readonly #keysMax: number;
  /** Due keys that were heard of, and those found by comparing or due again; a key is in one. */
  readonly #heard = new Map<string, PendingChange>();
  readonly #found = new Map<string, PendingChange>();
  #turn = 0;
  readonly #inFlight = new Map<string, InFlight>();
  readonly #deferred = new Map<string, Deferred>();
  #nextDueMs = Infinity;
  #overflow: Overflow | null = null;

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#heard.size + this.#found.size + this.#inFlight.size + this.#deferred.size;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Whether hints were dropped that no reconciliation has made up for. */
  get overflowed(): boolean {
    return this.#overflow !== null;
  }

  /** Room for what a reconciliation finds; it waits for it, hints do not. */
  get hasRoom(): boolean {
    return this.#found.size < this.#keysMax / 4 && this.size < (this.#keysMax * 3) / 4;
  }

  /** The oldest change known not to be copied; null if there is none. Looks at every key. */
  get oldestMs(): number | null {
    let oldest = this.#overflow?.oldestMs ?? Infinity;
    for (const kept of [this.#heard, this.#found, this.#inFlight, this.#deferred]) {
      for (const { changedMs } of kept.values()) oldest = Math.min(oldest, changedMs);
    }
    return oldest === Infinity ? null : oldest;
  }

  /** At most `count` of the keys, those that are being copied and were heard of first. */
  names(count: number): readonly string[] {
    const names: string[] = [];
    for (const kept of [this.#inFlight, this.#heard, this.#found, this.#deferred]) {
      for (const key of kept.keys()) {
        if (names.length >= count) return names;
        names.push(key);
      }
    }
    return names;
  }

  /** Notes that `key` changed at `changedMs` (or may have), as was told at `nowMs`. */
  heard(key: string, changedMs: number, nowMs: number): void {
    const found = this.#found.get(key);
    if (found !== undefined) {
      this.#found.delete(key);
      this.#heard.set(key, found);
    }
    const most = Math.ceil(this.#keysMax / 2);
    this.#note(this.#heard, { key, changedMs, nowMs, atTarget: false, most });
  }

  /** The same, if a comparison of both listings told. */
  found({ key, changedMs, nowMs, atTarget }: Omit<Noted, "most">): void {
    const ready = this.#heard.has(key) ? this.#heard : this.#found;
    this.#note(ready, { key, changedMs, nowMs, atTarget, most: this.#keysMax });
  }

  #note(ready: Map<string, PendingChange>, noted: Noted): void {
    const { key, changedMs, nowMs, most } = noted;
    const flying = this.#inFlight.get(key);
    if (flying !== undefined) {
      flying.againMs = Math.min(flying.againMs ?? Infinity, changedMs);
      return;
    }
    const deferred = this.#deferred.get(key);
    const kept = ready.get(key) ?? deferred;
    if (kept !== undefined) {
      const older = Math.min(kept.changedMs, changedMs);
      const atTarget = kept.atTarget || noted.atTarget;
      if (deferred === undefined) ready.set(key, { ...kept, changedMs: older, atTarget });
      else this.#deferred.set(key, { ...deferred, changedMs: older, atTarget });
      return;
    }
    if (this.size >= this.#keysMax || ready.size >= most) {
      const oldestMs = Math.min(this.#overflow?.oldestMs ?? Infinity, changedMs);
      this.#overflow = { oldestMs, lastDroppedMs: nowMs };
      return;
    }
    ready.set(key, { key, changedMs, attempts: 0, atTarget: noted.atTarget });
  }

  /** Hands out at most `count` due keys, each kind in the order it was noted; they are in flight then. */
  take(count: number, nowMs: number): readonly PendingChange[] {
    if (nowMs >= this.#nextDueMs) this.#makeDue(nowMs);
    const taken: PendingChange[] = [];
    while (taken.length < count) {
      const change = this.#next();
      if (change === undefined) break;
      taken.push(change);
      this.#inFlight.set(change.key, { ...change, againMs: null });
    }
    return taken;
  }

  #next(): PendingChange | undefined {
    this.#turn = (this.#turn + 1) % FOUND_TURN;
    const first = this.#turn === 0 ? this.#found : this.#heard;
    const ready = first.size > 0 ? first : first === this.#found ? this.#heard : this.#found;
    for (const change of ready.values()) {
      ready.delete(change.key);
      return change;
    }
    return undefined;
  }

  /** The key is as it was at the source when it was looked at, or cannot ever be. */
  settle(key: string): void {
    const flying = this.#land(key);
    if (flying?.againMs == null) return;
    this.#heard.set(key, { key, changedMs: flying.againMs, attempts: 0, atTarget: true });
  }

  /** It did not work; it is due again at `dueMs`. */
  defer(key: string, dueMs: number): void {
    const flying = this.#land(key);
    if (flying === null) return;
    const { changedMs, attempts, atTarget } = flying;
    this.#deferred.set(key, { key, changedMs, attempts: attempts + 1, atTarget, dueMs });
    this.#nextDueMs = Math.min(this.#nextDueMs, dueMs);
  }

  /** It was not tried: due again at once. */
  putBack(key: string): void {
    const flying = this.#land(key);
    if (flying === null) return;
    const { changedMs, attempts, atTarget } = flying;
    this.#heard.set(key, { key, changedMs, attempts, atTarget });
  }

  /** A reconciliation that began at `beganMs` has noted everything it found. */
  reconciled(beganMs: number): void {
    if (this.#overflow !== null && this.#overflow.lastDroppedMs < beganMs) this.#overflow = null;
  }

  #land(key: string): InFlight | null {
    const flying = this.#inFlight.get(key) ?? null;
    this.#inFlight.delete(key);
    return flying;
  }

  #makeDue(nowMs: number): void {
    this.#nextDueMs = Infinity;
    for (const [key, { dueMs, ...change }] of this.#deferred) {
      if (dueMs > nowMs) {
        this.#nextDueMs = Math.min(this.#nextDueMs, dueMs);
        continue;
      }
      this.#deferred.delete(key);
      this.#found.set(key, change);
    }
  }
}

import type { DeletedThen } from "./copier-memory.ts";

/** Over so long the limit of deletes holds, however many passes there are. */
const WINDOW_MS = 3_600_000;
/** Deletes this close together are one entry: at most 61 of them are kept. */
const ENTRY_MS = 60_000;

/** How many objects were deleted within the last hour, also by those who did it before. */
export class DeleteVelocity {
  #entries: readonly DeletedThen[];

  constructor(earlier: readonly DeletedThen[]) {
    this.#entries = earlier;
  }

  deleted(nowMs: number): void {
    const newest = this.#entries.at(-1);
    if (newest === undefined || nowMs - newest.atMs >= ENTRY_MS) {
      this.#entries = [...this.within(nowMs), { atMs: nowMs, count: 1 }];
      return;
    }
    this.#entries = [...this.#entries.slice(0, -1), { ...newest, count: newest.count + 1 }];
  }

  /** What of it still counts. */
  within(nowMs: number): readonly DeletedThen[] {
    return this.#entries.filter(({ atMs }) => nowMs - atMs < WINDOW_MS + ENTRY_MS);
  }

  /** Their number. */
  countAt(nowMs: number): number {
    return this.within(nowMs).reduce((sum, { count }) => sum + count, 0);
  }
}

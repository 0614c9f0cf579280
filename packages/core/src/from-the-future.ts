/** Whether an instant that somebody else wrote can be believed. */

/** Clocks of processes that go by the same one differ by less, however slow an answer was. */
const CLOCKS_AGREE_WITHIN_MS = 5_000;

/**
 * Whether `atMs` was written by a clock that is ahead of the one that says `nowMs`. Then no difference of
 * instants of the two means anything: a standby that is minutes behind would look complete.
 */
export function isFromTheFuture(atMs: number, nowMs: number): boolean {
  return atMs > nowMs + CLOCKS_AGREE_WITHIN_MS;
}

/** When to come back after failing. */

/** @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ (full jitter) */
export interface Spread {
  /** Upper bound after the first failure; doubles with each. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** Between 0 and 1. */
  readonly random: () => number;
}

/**
 * Milliseconds until the next try after failure `number` (from 1): exponential with full jitter, so
 * that what failed together does not come back together. For what is kept elsewhere in between, a
 * queue for instance; `retry` waits by itself.
 */
export function spread(number: number, { baseMs, maxMs, random }: Spread): number {
  const ceilingMs = Math.min(maxMs, baseMs * 2 ** Math.min(30, number - 1));
  return Math.ceil(random() * ceilingMs);
}

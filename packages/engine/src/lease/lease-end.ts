/**
 * When a lease ended, for whoever has to say until when its holder can have taken writes.
 *
 * Its end is counted from when its last renewal was first seen, as a fence counts it: later than the
 * truth, never before. It is told as an instant that all controllers share; no fence waits by that.
 */
import type { Clock } from "../ports/clock.ts";
import type { SeenLease } from "./lease-observer.ts";
import { type LeaseTerms, lapseMs } from "./lease-terms.ts";

export interface LeaseClocks {
  /** The observer's. */
  readonly clock: Clock;
  /** The one all controllers share. */
  readonly stateClock: Clock;
}

/**
 * When `seen` ended, if no renewal came until `unrenewedMs` on the observer's clock and that is later.
 * Null: it may be in force, or its holder may live on promises, which the witness never hears of.
 */
export function leaseEndedAtMs(
  { firstSeenMs }: SeenLease,
  unrenewedMs: number,
  { terms, clock, stateClock }: LeaseClocks & { readonly terms: LeaseTerms },
): number | null {
  if (terms.whenWitnessLost === "availability") return null;
  const endMs = firstSeenMs + lapseMs(terms);
  return endMs > unrenewedMs ? null : stateClock.now() - (clock.now() - endMs);
}

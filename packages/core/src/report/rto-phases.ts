/** Recovery time split by what it was spent on. */

import type { RtoPhases } from "../report.ts";

/** Instants of one recovery, epoch milliseconds on one clock; null if it never came to that. */
export interface RecoveryInstants {
  readonly faultAtMs: number;
  readonly detectedAtMs: number | null;
  readonly startedAtMs: number | null;
  readonly fencedAtMs: number | null;
  readonly verifiedAtMs: number | null;
  readonly openedAtMs: number | null;
  readonly firstWriteAtMs: number;
}

/**
 * Splits the time from the fault to the first acknowledged write. The parts add up to `total`
 * exactly and none is negative: an instant out of order (clocks of client and controller differ a
 * little) is moved to its nearest neighbour, and one that is missing makes its phase 0.
 */
export function rtoPhases(instants: RecoveryInstants): RtoPhases {
  const start = instants.faultAtMs;
  const end = Math.max(start, instants.firstWriteAtMs);
  let reached = start;
  const phase = (atMs: number | null): number => {
    const from = reached;
    reached = Math.min(Math.max(atMs ?? reached, reached), end);
    return reached - from;
  };
  return {
    detect: phase(instants.detectedAtMs),
    decide: phase(instants.startedAtMs),
    fence: phase(instants.fencedAtMs),
    recover: phase(instants.verifiedAtMs),
    switch: phase(instants.openedAtMs),
    converge: phase(end),
    total: end - start,
  };
}

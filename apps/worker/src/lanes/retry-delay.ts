import type { Random } from "@cloudphoenix/engine";

const FIRST_MS = 1_000;
const MAX_MS = 60_000;

/** How long a task waits after its attempt number `attempts` failed: doubled each time, half of it chance. */
export function retryDelayMs(attempts: number, random: Random): number {
  const ceilingMs = Math.min(MAX_MS, FIRST_MS * 2 ** Math.max(0, attempts - 1));
  return Math.round(ceilingMs / 2 + (random.next() * ceilingMs) / 2);
}

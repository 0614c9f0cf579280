import { setFlagsFromString } from "node:v8";

/**
 * Keeps the memory of this process near what is alive, however many keys pass through it. Node.js
 * would let garbage pile up to a few times of that: short-lived pages of listings outgrow the nursery
 * and then count as old. Costs no time that could be measured (docs/reference/benchmarks.md).
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=20");
}

/** How punctual the wheel is: lateness of the last probes, and time in which it stood still. */

const SAMPLES = 4096;

export interface Lateness {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Keeps the last 4096 samples in constant memory. */
export class LagMeter {
  readonly #samples = new Float64Array(SAMPLES);
  #count = 0;

  add(lateMs: number): void {
    this.#samples[this.#count % SAMPLES] = lateMs;
    this.#count += 1;
  }

  /** Zeros before the first sample. */
  lateness(): Lateness {
    const sorted = this.#samples.slice(0, Math.min(this.#count, SAMPLES)).toSorted();
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }
}

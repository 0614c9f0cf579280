/**
 * How far this machine's clock is from a store's, learnt from answers that refuse a request.
 *
 * Stores refuse what was signed more than a few minutes ago, or will be. A machine whose clock is wrong would copy
 * nothing, although every answer says what time it is. The clouds' own clients correct themselves in the same way.
 */
import type { WireAnswer } from "./http-transport.ts";

/** What would not be refused for is not corrected. */
const TOLERATED_MS = 60_000;

/** Answers that a wrong time leads to; S3's to HEAD have no body that would say so. */
const REFUSING: readonly number[] = [400, 401, 403];

/** Of one store. */
export class ClockOffset {
  readonly #machineNow: () => number;
  #offsetMs = 0;

  /** `machineNow` is this machine's clock, in epoch milliseconds; default: the one that signers take by themselves. */
  constructor(machineNow?: () => number) {
    // oxlint-disable-next-line no-restricted-properties -- a signature is for the time of day, not for a plan's clock
    this.#machineNow = machineNow ?? Date.now;
  }

  /** The time at the store, as far as it is known; epoch milliseconds. */
  now(): number {
    return this.#machineNow() + this.#offsetMs;
  }

  /** Whether this machine's clock was found to be wrong. */
  get isCorrected(): boolean {
    return this.#offsetMs !== 0;
  }

  /** True if the answer may have been refused for its time and asking again, signed anew, is worth it. */
  learn({ status, headers }: Pick<WireAnswer, "status" | "headers">): boolean {
    const thereMs = Date.parse(headers.date ?? "");
    if (!REFUSING.includes(status) || Number.isNaN(thereMs)) return false;
    if (Math.abs(thereMs - this.now()) <= TOLERATED_MS) return false;
    this.#offsetMs = thereMs - this.#machineNow();
    return true;
  }
}

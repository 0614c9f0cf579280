/** Time and chance of this machine: made here, and nowhere below. */

import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock, Random } from "@cloudphoenix/engine";

/**
 * Epoch milliseconds that never jump: the wall clock is read once, at start. Deadlines, ages and
 * leases are differences of these, and a corrected wall clock must not shorten any of them.
 */
export const systemClock: Clock = {
  now: () => Math.round(performance.timeOrigin + performance.now()),
  // Not `node:timers/promises`: a controller sleeps a hundred times a second, and most sleeps are
  // deadlines that are called off. This costs one error for each of those instead of three.
  sleep(ms, signal) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      clearTimeout(timer);
      const details = { retryable: true, cause: signal?.reason };
      reject(new CloudPhoenixError("ABORTED", "the wait was given up", details));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    return promise;
  },
};

export const systemRandom: Random = { next: () => Math.random() };

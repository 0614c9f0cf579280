/** Time and chance of this machine: made here, and nowhere below. */
import { setTimeout as wait } from "node:timers/promises";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock, Random } from "@cloudphoenix/engine";

/**
 * Epoch milliseconds that never jump: the wall clock is read once, at start. Claims and ages are
 * differences of these, and a corrected wall clock must not lengthen any of them.
 */
export const systemClock: Clock = {
  now: () => Math.round(performance.timeOrigin + performance.now()),
  sleep: async (ms, signal) => {
    try {
      await wait(ms, undefined, signal === undefined ? {} : { signal });
    } catch (cause) {
      throw new CloudPhoenixError("ABORTED", "the wait was given up", { retryable: true, cause });
    }
  },
};

export const systemRandom: Random = { next: () => Math.random() };

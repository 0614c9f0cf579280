/** The clock and the chance of this process. */
import { setTimeout as wait } from "node:timers/promises";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock, Random } from "@cloudphoenix/engine";

/**
 * Epoch milliseconds that never jump: the wall clock is read once, at start. Ages are differences of
 * these, and a corrected wall clock must not make old observations look new.
 */
export const steadyClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  sleep: async (ms, signal) => {
    try {
      await wait(ms, undefined, signal === undefined ? {} : { signal });
    } catch (cause) {
      throw new CloudPhoenixError("ABORTED", "the wait was aborted", { retryable: true, cause });
    }
  },
};

export const systemRandom: Random = { next: () => Math.random() };

/** The real clock, for everything below that takes one. */
import { setTimeout as timeout } from "node:timers/promises";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock } from "@cloudphoenix/engine";

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await timeout(ms, undefined, signal === undefined ? {} : { signal });
    } catch (cause) {
      throw new CloudPhoenixError("ABORTED", "the wait was given up", { retryable: false, cause });
    }
  },
};

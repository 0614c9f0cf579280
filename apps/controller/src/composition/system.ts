/** Time and chance of this machine: made here, and nowhere below. */

import { setTimeout as wait } from "node:timers/promises";
import { CloudPhoenixError } from "@cloudphoenix/core";
import type { Clock, Random } from "@cloudphoenix/engine";

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    try {
      await wait(ms, undefined, signal === undefined ? {} : { signal });
    } catch (cause) {
      throw new CloudPhoenixError("ABORTED", "the wait was given up", { retryable: true, cause });
    }
  },
};

export const systemRandom: Random = { next: () => Math.random() };

/** Time of the simulator for tests that wait for what they asked. */
import { setImmediate as turn } from "node:timers/promises";
import type { Scheduler } from "../src/simulator/scheduler.ts";

const STEP_MS = 10;

/** Lets virtual time go on by itself until the result is called. */
export function turning(scheduler: Scheduler): () => Promise<void> {
  const stop = new AbortController();
  const going = (async () => {
    while (!stop.signal.aborted) {
      await scheduler.run(scheduler.nowMs + STEP_MS);
      await turn();
    }
  })();
  return async () => {
    stop.abort();
    await going;
  };
}

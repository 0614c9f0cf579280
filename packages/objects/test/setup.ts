/** What the tests of this package share: surroundings, tools, places. */
import {
  BandwidthLimit,
  ByteBudget,
  type CopyTools,
  DEFAULT_RETRIES,
  type ObjectPlace,
  type ObjectStore,
  type Surroundings,
  SyncState,
} from "@cloudphoenix/objects";
import { SeededRandom } from "@cloudphoenix/testkit";

/** Waits take no time, and what would have been waited passes on the clock. */
export function hurriedSurroundings(seed = 1): Surroundings & { nowMs: number } {
  const random = new SeededRandom(seed);
  const surroundings = {
    nowMs: 1_767_225_600_000,
    random,
    clock: {
      now: () => surroundings.nowMs,
      sleep: async (ms: number, signal?: AbortSignal) => {
        signal?.throwIfAborted();
        surroundings.nowMs += ms;
        await new Promise((resolve) => setImmediate(resolve));
        signal?.throwIfAborted();
      },
    },
  };
  return surroundings;
}

/** A signal that nobody aborts. */
export const UNENDING: AbortSignal = new AbortController().signal;

export function memoryState(pair = "a -> b"): SyncState {
  return SyncState.open({ path: ":memory:", pair });
}

/** Small sizes, so that a few kilobytes make a large object. */
export const TINY_SIZES = { wholeMaxBytes: 1_000, partBytes: 1_000, partsInFlight: 3 };

export function toolsFor(
  source: ObjectStore,
  target: ObjectStore,
  changes: Partial<CopyTools> = {},
): CopyTools {
  const surroundings = changes.surroundings ?? hurriedSurroundings();
  return {
    source,
    target,
    surroundings,
    retries: DEFAULT_RETRIES,
    journal: memoryState().journal,
    sizes: TINY_SIZES,
    memory: new ByteBudget(5_000),
    bandwidth: new BandwidthLimit(null, surroundings.clock),
    ...changes,
  };
}

export function placeOf(store: ObjectStore, prefix = ""): ObjectPlace {
  return { store, prefix };
}

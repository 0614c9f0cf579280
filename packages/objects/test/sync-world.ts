/** Two stores in memory and the sync between them. */
import {
  DEFAULT_DELETE_RULES,
  DEFAULT_LIMITS,
  type DeleteRules,
  type ObjectStore,
  type SyncLimits,
  type SyncOptions,
  type SyncState,
  type SyncSummary,
  syncObjects,
} from "@cloudphoenix/objects";
import { MemoryObjectStore } from "@cloudphoenix/testkit";
import { hurriedSurroundings, memoryState, placeOf, TINY_SIZES, UNENDING } from "./setup.ts";

export const MINUTE_MS = 60_000;
export const LIMITS: SyncLimits = { ...DEFAULT_LIMITS, sizes: TINY_SIZES, memoryBytes: 8_000 };
export const ALL_MAY_GO: DeleteRules = { ...DEFAULT_DELETE_RULES, maxPercent: 100 };

export interface Setup {
  readonly source: MemoryObjectStore;
  readonly target: MemoryObjectStore;
  readonly state: SyncState;
  readonly surroundings: ReturnType<typeof hurriedSurroundings>;
  readonly run: (
    changes?: Partial<SyncOptions>,
    stores?: { source?: ObjectStore; target?: ObjectStore },
  ) => Promise<SyncSummary>;
}

export function setup(pageSize = 3, seed = 1): Setup {
  const source = new MemoryObjectStore({ flavour: "s3", pageSize });
  const target = new MemoryObjectStore({ flavour: "blob", pageSize: pageSize + 1 });
  const state = memoryState();
  const surroundings = hurriedSurroundings(seed);
  return {
    source,
    target,
    state,
    surroundings,
    run: (changes = {}, stores = {}) =>
      syncObjects({
        source: placeOf(stores.source ?? source),
        target: placeOf(stores.target ?? target),
        surroundings,
        journal: state.journal,
        tombstones: state.tombstones,
        signal: UNENDING,
        limits: LIMITS,
        ...changes,
      }),
  };
}

/** Puts `count` objects of different content. */
export function fill(store: MemoryObjectStore, count: number, sizeBytes = 50): void {
  for (let index = 0; index < count; index += 1) {
    store.put(`o/${index.toString().padStart(4, "0")}`, Buffer.alloc(sizeBytes, index));
  }
}

/** Every object's bytes, by key. */
export function content(store: MemoryObjectStore): Record<string, string> {
  return Object.fromEntries(store.keys().map((key) => [key, store.bytesOf(key)!.toString("hex")]));
}

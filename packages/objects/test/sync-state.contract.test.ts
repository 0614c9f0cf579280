/** The memory in a SQLite file keeps the promises that any memory of a pair of places makes. */
import { describeObjectMemory } from "@cloudphoenix/testkit";
import { SyncState } from "../src/index.ts";

describeObjectMemory({
  name: "SQLite",
  setup: async () => {
    const state = SyncState.open({ path: ":memory:", pair: "a b" });
    const { journal, tombstones } = state;
    return { journal, tombstones, stop: async () => state.close() };
  },
});

/** Memory over a hundred thousand keys: what is alive at the end is what was alive after the first pages. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeAll, describe, expect, test } from "vitest";
import {
  DEFAULT_DELETE_RULES,
  type ListRequest,
  type ObjectEntry,
  syncObjects,
  verifyObjects,
} from "@cloudphoenix/objects";
import { SyntheticObjectStore } from "@cloudphoenix/testkit";
import { hurriedSurroundings, memoryState, placeOf, UNENDING } from "./setup.ts";

const OBJECTS = 100_000;
const PAGE = 1_000;
/** Holding on to one small object per key would take more than twice as much. */
const GROWTH_MOST_BYTES = 3 * 1024 * 1024;
let collectGarbage: () => void;

beforeAll(() => {
  setFlagsFromString("--expose-gc");
  collectGarbage = runInNewContext("gc") as () => void;
});

/** Weighs what is alive on its way through the listing. */
class WeighedStore extends SyntheticObjectStore {
  readonly weights: number[] = [];

  override async *list(
    request: ListRequest,
    signal: AbortSignal,
  ): AsyncGenerator<readonly ObjectEntry[], void, undefined> {
    let pages = 0;
    for await (const page of super.list(request, signal)) {
      yield page;
      pages += 1;
      if (pages % 20 !== 0) continue;
      collectGarbage();
      this.weights.push(process.memoryUsage().heapUsed);
    }
  }

  get growthBytes(): number {
    const [first = 0] = this.weights;
    return (this.weights.at(-1) ?? Infinity) - first;
  }
}

describe("memory does not grow with the number of keys", () => {
  test("while they are synced, some of them gone from the source", async () => {
    const source = synthetic("source", (index) => index % 10 !== 3);
    const target = synthetic("target", () => true);
    const state = memoryState();

    const summary = await syncObjects({
      source: placeOf(source),
      target: placeOf(target),
      surroundings: hurriedSurroundings(),
      journal: state.journal,
      tombstones: state.tombstones,
      signal: UNENDING,
      deletes: DEFAULT_DELETE_RULES,
    });

    expect(summary).toMatchObject({ outcome: "done", progress: { same: 90_000 } });
    expect(summary.deletes.missing).toBe(10_000);
    expect(target.weights).toHaveLength(5);
    expect(target.growthBytes).toBeLessThan(GROWTH_MOST_BYTES);
    state.close();
  });

  test("while they are verified", async () => {
    const target = synthetic("target", () => true);

    const summary = await verifyObjects({
      source: placeOf(synthetic("source", () => true)),
      target: placeOf(target),
      surroundings: hurriedSurroundings(),
      signal: UNENDING,
    });

    expect(summary).toMatchObject({ outcome: "same", progress: { compared: OBJECTS } });
    expect(target.growthBytes).toBeLessThan(GROWTH_MOST_BYTES);
  });
});

function synthetic(name: string, holds: (index: number) => boolean): WeighedStore {
  return new WeighedStore({ name, objects: OBJECTS, pageSize: PAGE, holds });
}

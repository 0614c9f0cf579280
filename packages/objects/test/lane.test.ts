import { describe, expect, test } from "vitest";
import { Lane } from "../src/lane.ts";

interface Held {
  readonly lane: Lane;
  readonly time: { nowMs: number };
  /** Works under way, in the order they began. */
  readonly running: { end: () => void }[];
  readonly add: (count: number) => Promise<void>;
  /** Ends those under way. */
  readonly endAll: () => Promise<void>;
}

function laneOf(most: number, waitingMost = 100): Held {
  const time = { nowMs: 1_000_000 };
  const clock = { now: () => time.nowMs, sleep: () => Promise.resolve() };
  const lane = new Lane({ most, waitingMost, clock });
  const running: Held["running"] = [];
  const work = (): Promise<void> =>
    new Promise((resolve) => running.push({ end: () => resolve() }));
  return {
    lane,
    time,
    running,
    add: async (count) => {
      for (let added = 0; added < count; added += 1) await lane.add(work);
    },
    endAll: async () => {
      for (const { end } of running.splice(0)) end();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe("a lane", () => {
  test("runs as much at once as it may, and the next as soon as one ends", async () => {
    const { running, add } = laneOf(3);
    await add(5);
    expect(running).toHaveLength(3);

    running[0]?.end();
    await new Promise((resolve) => setImmediate(resolve));

    expect(running).toHaveLength(4);
  });

  test("halves when a store asks for patience, once per second, and never below one", () => {
    const { lane, time } = laneOf(8);
    const limits = [];
    for (const passedMs of [0, 999, 1, 1_000, 1_000, 1_000]) {
      time.nowMs += passedMs;
      lane.slowDown();
      limits.push(lane.limit);
    }

    expect(limits).toEqual([4, 4, 2, 1, 1, 1]);
  });

  test("starts less after a slow-down, and lets what runs come to its end", async () => {
    const { lane, running, add, endAll } = laneOf(4);
    await add(12);
    lane.slowDown();
    expect(running).toHaveLength(4);

    await endAll();

    expect(running).toHaveLength(2);
  });

  test("grows by one with every round of successes, up to what it may", async () => {
    const { lane, time, add, endAll } = laneOf(6);
    lane.slowDown();
    time.nowMs += 1;
    await add(100);
    const limits = [lane.limit];
    for (let round = 0; round < 6; round += 1) {
      await endAll();
      limits.push(lane.limit);
    }

    expect(limits).toEqual([3, 3, 4, 5, 6, 6, 6]);
  });

  test("learns nothing from what had begun before the slow-down", async () => {
    const { lane, time, add, endAll } = laneOf(8);
    await add(8);
    time.nowMs += 1;
    lane.slowDown();

    await endAll();

    expect(lane.limit).toBe(4);
  });

  test("makes whoever adds wait while enough waits, and says when all of it has ended", async () => {
    const { lane, running, add, endAll } = laneOf(1, 2);
    const order: string[] = [];
    await add(3);
    const blocked = add(1).then(() => order.push("added"));
    const drained = lane.drained().then(() => order.push("drained"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual([]);

    await endAll();
    await blocked;
    expect(order).toEqual(["added"]);
    expect(running).toHaveLength(1);
    lane.clear();
    await endAll();
    await drained;

    expect(order).toEqual(["added", "drained"]);
    expect(running).toHaveLength(0);
  });
});

import { array, assert, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { TimerWheel } from "../src/timer-wheel.ts";

test("fires each timer once, never early, and at most one tick late", () => {
  assert(
    property(
      array(integer({ min: 0, max: 40_000 }), { maxLength: 60 }),
      array(integer({ min: 1, max: 900 }), { minLength: 60, maxLength: 60 }),
      (dues, strides) => {
        const wheel = new TimerWheel<number>();
        dues.forEach((dueMs, item) => wheel.schedule(item, dueMs));
        const fired: number[] = [];
        let nowMs = 0;
        for (const strideMs of [...strides, 60_000]) {
          const beforeMs = nowMs;
          nowMs += strideMs;
          wheel.advance(nowMs, (item, dueMs) => {
            fired.push(item);
            expect(dueMs).toBe(dues[item]);
            expect(dueMs).toBeLessThanOrEqual(nowMs);
            expect(dueMs).toBeGreaterThan(beforeMs - 20);
          });
        }
        expect(fired.toSorted((a, b) => a - b)).toEqual(dues.map((_, item) => item));
      },
    ),
  );
});

test("a visit may schedule the next turn, also for the tick that is being visited", () => {
  const wheel = new TimerWheel<string>();
  const fired: string[] = [];
  wheel.schedule("first", 10);
  wheel.advance(30, (item) => {
    fired.push(item);
    if (item === "first") wheel.schedule("again", 10);
  });
  expect(fired).toEqual(["first", "again"]);
});

test("knows when the next timer is due, up to a limit", () => {
  const wheel = new TimerWheel<string>();
  wheel.schedule("soon", 40);
  expect(wheel.nextMs(10)).toBe(40);
  expect(wheel.nextMs(2)).toBe(20);
});

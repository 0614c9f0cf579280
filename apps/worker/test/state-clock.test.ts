import { VirtualClock } from "@cloudphoenix/testkit";
import { beforeEach, describe, expect, test } from "vitest";
import { StateClock } from "../src/composition/state-clock.ts";

const MINUTE = 60_000;
let base: VirtualClock;
let offsetMs: number;
let tookMs: number;
let clock: StateClock;

beforeEach(async () => {
  base = new VirtualClock();
  tookMs = 0;
  offsetMs = -10 * MINUTE;
  clock = new StateClock(base, async () => {
    await base.advance(tookMs / 2);
    const toldMs = base.now() + offsetMs;
    await base.advance(tookMs / 2);
    return toldMs;
  });
  await clock.set();
});

describe("the clock that workers share", () => {
  test("shows the time of the state database, however wrong this machine's is", async () => {
    expect(clock.now()).toBe(base.now() - 10 * MINUTE);
    await base.advance(5_000);
    expect(clock.now()).toBe(base.now() - 10 * MINUTE);
  });

  test("is set forward at once", async () => {
    offsetMs += 30_000;
    await clock.set();
    expect(clock.now()).toBe(base.now() + offsetMs);
  });

  test("never goes back: it is slower until it is right", async () => {
    const beforeMs = clock.now();
    offsetMs -= 1_000;
    await clock.set();
    expect(clock.now()).toBe(beforeMs);
    await base.advance(5_000);
    expect(clock.now()).toBe(beforeMs + 4_500);
    await base.advance(10_000);
    expect(clock.now()).toBe(base.now() + offsetMs);
  });

  test("counts half the way of the answer, and does not believe one that took long", async () => {
    tookMs = 400;
    offsetMs += 5_000;
    await clock.set();
    expect(clock.now()).toBe(base.now() + offsetMs);
    tookMs = 2_000;
    offsetMs += 5_000;
    await clock.set();
    expect(clock.now()).toBe(base.now() + offsetMs - 5_000);
  });
});

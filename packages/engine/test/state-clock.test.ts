import { StateClock } from "@cloudphoenix/engine";
import { VirtualClock } from "@cloudphoenix/testkit";
import { beforeEach, describe, expect, test } from "vitest";

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

describe("the clock of a controller, which waits by it", () => {
  const pace = { slewBy: 0.001, jumpsForward: false };
  let told: () => Promise<number>;

  beforeEach(async () => {
    offsetMs = -10 * MINUTE;
    told = async () => base.now() + offsetMs;
    clock = new StateClock(base, () => told(), pace);
  });

  test("is right from the first answer on, and runs on while nobody answers", async () => {
    expect(await clock.set()).toBe(10 * MINUTE);
    expect(clock.now()).toBe(base.now() - 10 * MINUTE);
    told = () => Promise.reject(new Error("the state database is away"));
    await expect(clock.set()).rejects.toThrow(/away/u);
    await base.advance(MINUTE);
    expect(clock.now()).toBe(base.now() - 10 * MINUTE);
  });

  test.each([
    ["behind", 30_000],
    ["ahead", -30_000],
  ])("that is %s does not jump while somebody waits by it, and says how far", async (_, byMs) => {
    await clock.set();
    const beforeMs = clock.now();
    offsetMs += byMs;
    expect(await clock.set()).toBe(-byMs);
    expect(clock.now()).toBe(beforeMs);
    await base.advance(10_000);
    expect(clock.now()).toBe(beforeMs + 10_000 + Math.sign(byMs) * 10);
    await base.advance(60 * 10 * MINUTE);
    expect(clock.now()).toBe(base.now() + offsetMs);
  });

  test("jumps where it may", async () => {
    await clock.set();
    offsetMs -= 30_000;
    await clock.set(() => true);
    expect(clock.now()).toBe(base.now() + offsetMs);
  });
});

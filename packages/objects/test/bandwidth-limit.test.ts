import { expect, test } from "vitest";
import { BandwidthLimit } from "@cloudphoenix/objects";
import { VirtualClock } from "@cloudphoenix/testkit";
import { UNENDING } from "./setup.ts";

test("a clock that is set back has nobody wait for what it was set back by", async () => {
  let nowMs = 10_000_000;
  const slept: number[] = [];
  const sleep = async (ms: number): Promise<void> => {
    slept.push(ms);
    await Promise.resolve();
  };
  const limit = new BandwidthLimit(1_000, { now: () => nowMs, sleep });

  await limit.take(2_000, UNENDING);
  nowMs -= 3_600_000;
  await limit.take(1_000, UNENDING);
  nowMs += 500;
  await limit.take(1_000, UNENDING);

  expect(slept).toEqual([2_000, 2_500]);
});

test("however little is allowed, nobody waits for longer at once than a timer can", async () => {
  const slept: number[] = [];
  const sleep = async (ms: number): Promise<void> => {
    slept.push(ms);
    await Promise.resolve();
  };
  const limit = new BandwidthLimit(1, { now: () => 0, sleep });

  await limit.take(8 * 1024 * 1024, UNENDING);
  await limit.take(1, UNENDING);

  expect(Math.max(...slept)).toBeLessThan(2 ** 31);
  expect(slept.reduce((sum, ms) => sum + ms, 0)).toBe(8 * 1024 * 1024 * 1_000);
});

test("who gives up waiting has taken nothing of what the next one gets", async () => {
  const clock = new VirtualClock();
  const limit = new BandwidthLimit(1_000, clock);
  const gone = new AbortController();
  await limit.take(1_000, UNENDING);
  const ended = ["first", "second", "third"].map((name) =>
    limit.take(60_000, gone.signal).catch(() => `${name} gave up`),
  );
  const last = limit.take(500, UNENDING).then(() => clock.now());
  const beganMs = clock.now();
  await clock.advance(100);
  gone.abort();
  expect(await Promise.all(ended)).toEqual(["first gave up", "second gave up", "third gave up"]);
  await clock.advance(2_000);
  expect((await last) - beganMs).toBe(1_000);
});

test("bytes pass in the order they were asked for, and no faster than allowed", async () => {
  const clock = new VirtualClock();
  const limit = new BandwidthLimit(1_000, clock);
  const beganMs = clock.now();
  const passed: [number, number][] = [];
  const asked = [500, 2_000, 100, 400].map(async (bytes) => {
    await limit.take(bytes, UNENDING);
    passed.push([bytes, clock.now() - beganMs]);
  });
  await clock.advance(5_000);
  await Promise.all(asked);
  expect(passed).toEqual([
    [500, 0],
    [2_000, 500],
    [100, 2_500],
    [400, 2_600],
  ]);
});

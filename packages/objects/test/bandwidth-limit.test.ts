import { expect, test } from "vitest";
import { BandwidthLimit } from "@cloudphoenix/objects";
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

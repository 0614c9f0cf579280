// The wait for a standby ends with the request, not only with its own limit.
import { Deadline } from "@cloudphoenix/chassis";
import { expect, test } from "vitest";
import { DurabilityBarrier } from "../src/durability-barrier.ts";

/** Nothing is ever flushed, and the barrier itself would wait for a minute. */
function barrier(): DurabilityBarrier {
  return new DurabilityBarrier(async () => null, 60_000);
}

const UNKNOWN = { code: "DURABILITY_UNKNOWN", outcome: "unknown" };

test("whoever has no more time is told that nobody knows", async () => {
  const waits = barrier();
  await expect(waits.passed(1n, Deadline.after(20))).rejects.toMatchObject(UNKNOWN);
  expect(waits.waiting).toBe(0);
});

test("whoever goes away is not waited for", async () => {
  const waits = barrier();
  const deadline = Deadline.after(60_000);
  const waiting = waits.passed(1n, deadline);
  expect(waits.waiting).toBe(1);
  deadline.cancel(new Error("gone"));
  await expect(waiting).rejects.toMatchObject(UNKNOWN);
  expect(waits.waiting).toBe(0);
  await expect(waits.passed(1n, deadline)).rejects.toMatchObject(UNKNOWN);
});

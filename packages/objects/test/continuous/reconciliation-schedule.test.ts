import { describe, expect, test } from "vitest";
import { ReconciliationSchedule } from "../../src/continuous/reconciliation-schedule.ts";

const MINUTE = 60_000;
const limits = { minMs: MINUTE, maxMs: 60 * MINUTE };

describe("reconciliations", () => {
  test("begin at once", () => {
    expect(new ReconciliationSchedule(limits).isDue(0, false)).toBe(true);
  });

  test.each([
    { what: "cheap ones come once in their shortest interval", tookMs: 100, pauseMs: MINUTE },
    { what: "others take a tenth of the time", tookMs: 2 * MINUTE, pauseMs: 18 * MINUTE },
    { what: "dear ones come once in their longest", tookMs: 30 * MINUTE, pauseMs: 30 * MINUTE },
    { what: "those longer than that pause at least", tookMs: 90 * MINUTE, pauseMs: MINUTE },
  ])("adapt to their cost: $what", ({ tookMs, pauseMs }) => {
    const schedule = new ReconciliationSchedule(limits);
    schedule.completed(0, tookMs);
    expect(schedule.isDue(tookMs + pauseMs - 1, false)).toBe(false);
    expect(schedule.isDue(tookMs + pauseMs, false)).toBe(true);
  });

  test("come sooner when they are wanted, and still not back to back", () => {
    const schedule = new ReconciliationSchedule(limits);
    schedule.completed(0, 2 * MINUTE);
    expect(schedule.isDue(3 * MINUTE - 1, true)).toBe(false);
    expect(schedule.isDue(3 * MINUTE, true)).toBe(true);
  });

  test("are tried again soon after they failed, ever more rarely", () => {
    const schedule = new ReconciliationSchedule(limits);
    for (const waitMs of [5_000, 10_000, 20_000, 40_000, MINUTE, MINUTE]) {
      schedule.failed(0);
      expect(schedule.isDue(waitMs - 1, true)).toBe(false);
      expect(schedule.isDue(waitMs, false)).toBe(true);
    }
  });
});

import { describe, expect, test } from "vitest";
import { BacklogGauge, HINT_SILENCE_MS } from "../../src/continuous/backlog.ts";

const T = 1_000_000;

/** A gauge whose hints have come, a canary every second, since before the reconciliation. */
function trusted(): BacklogGauge {
  const gauge = new BacklogGauge(null);
  gauge.heard(T - 2_000, T - 2_000);
  gauge.reconciled(T - 1_000);
  gauge.heard(T - 500, T);
  return gauge;
}

describe("the backlog", () => {
  test("is unknown, not zero, before the first reconciliation", () => {
    const gauge = new BacklogGauge(null);
    gauge.heard(T, T);
    const unknown = { ageMs: null, markMs: null };
    expect(gauge.at(T, null)).toEqual(unknown);
    expect(gauge.at(T, T - 5_000)).toEqual(unknown);
  });

  test("is as old as the newest hint while hints flow and nothing is pending", () => {
    expect(trusted().at(T, null)).toEqual({ ageMs: 500, markMs: T - 1_000 });
  });

  test("is as old as the oldest change that is pending", () => {
    expect(trusted().at(T, T - 700).ageMs).toBe(700);
  });

  test("is as old as the last reconciliation where there are no hints", () => {
    const gauge = new BacklogGauge(null);
    gauge.reconciled(T - 60_000);
    expect(gauge.at(T, null).ageMs).toBe(60_000);
  });

  test("grows from the newest hint on while hints are silent", () => {
    expect(trusted().at(T + HINT_SILENCE_MS + 1, null).ageMs).toBe(HINT_SILENCE_MS + 501);
  });

  test("does not believe hints that came back before a reconciliation that began after", () => {
    const gauge = trusted();
    const back = T + HINT_SILENCE_MS + 10_000;
    gauge.heard(back, back);
    expect(gauge.reconciliationWanted(back + 100)).toBe(true);
    expect(gauge.at(back + 100, null).ageMs).toBe(back + 100 - (T - 500));
    gauge.reconciled(back - 1);
    expect(gauge.at(back + 100, null).ageMs).toBe(101);
    gauge.heard(back + 5_000, back + 5_000);
    gauge.reconciled(back + 4_000);
    expect(gauge.reconciliationWanted(back + 5_000)).toBe(false);
    expect(gauge.at(back + 5_000, null).ageMs).toBe(0);
  });

  test("begins with what an earlier process knew", () => {
    const gauge = new BacklogGauge({ markMs: T - 30_000, copiedUntilMs: null });
    gauge.heard(T, T);
    expect(gauge.at(T, null)).toEqual({ ageMs: 30_000, markMs: T - 30_000 });
  });

  test("takes a change from the future for one of now", () => {
    const gauge = trusted();
    gauge.heard(T + 60_000, T);
    expect(gauge.at(T + 1_000, null).ageMs).toBe(1_000);
  });
});

describe("the mark", () => {
  test("waits at the oldest change a reconciliation found until that is copied", () => {
    const gauge = new BacklogGauge(null);
    gauge.reconciled(T);
    expect(gauge.at(T + 100, T - 9_000).markMs).toBe(T - 9_000);
    expect(gauge.at(T + 200, T - 3_000).markMs).toBe(T - 3_000);
    expect(gauge.at(T + 300, null).markMs).toBe(T);
  });

  test("never falls: a hint that comes again does not undo what is known", () => {
    const gauge = new BacklogGauge(null);
    gauge.reconciled(T);
    gauge.at(T, null);
    expect(gauge.at(T + 100, T - 60_000)).toMatchObject({ markMs: T, ageMs: 100 });
  });

  test("is not moved by hints", () => {
    const gauge = trusted();
    gauge.heard(T + 9_000, T + 9_000);
    expect(gauge.at(T + 9_000, null).markMs).toBe(T - 1_000);
  });
});

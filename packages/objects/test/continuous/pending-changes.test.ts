import { describe, expect, test } from "vitest";
import { PendingChanges } from "../../src/continuous/pending-changes.ts";

const keysOf = (changes: readonly { readonly key: string }[]): readonly string[] =>
  changes.map(({ key }) => key);

describe("pending changes", () => {
  test("hold a key once, with the time of its oldest change", () => {
    const pending = new PendingChanges(10);
    pending.heard("a", 300, 1_000);
    pending.heard("b", 400, 1_000);
    pending.heard("a", 100, 1_000);
    expect(pending.size).toBe(2);
    expect(pending.oldestMs).toBe(100);
    expect(pending.take(5, 1_000)).toEqual([
      { key: "a", changedMs: 100, attempts: 0, atTarget: false },
      { key: "b", changedMs: 400, attempts: 0, atTarget: false },
    ]);
  });

  test("count what is in flight as not copied", () => {
    const pending = new PendingChanges(10);
    pending.heard("a", 100, 1_000);
    pending.take(1, 1_000);
    expect([pending.size, pending.oldestMs, pending.inFlight]).toEqual([1, 100, 1]);
    pending.settle("a");
    expect([pending.size, pending.oldestMs]).toEqual([0, null]);
  });

  test("make a key due again that changed while it was copied", () => {
    const pending = new PendingChanges(10);
    pending.heard("a", 100, 1_000);
    pending.take(1, 1_000);
    pending.heard("a", 700, 1_000);
    pending.heard("a", 500, 1_000);
    expect(pending.take(1, 1_000)).toEqual([]);
    pending.settle("a");
    expect(pending.take(1, 1_000)).toEqual([
      { key: "a", changedMs: 500, attempts: 0, atTarget: true },
    ]);
  });

  test("hand a failed key out again when it is due, with the time it had, after those that wait", () => {
    const pending = new PendingChanges(10);
    for (const key of ["a", "b", "c"]) pending.heard(key, 100, 1_000);
    pending.take(2, 1_000);
    pending.defer("a", 5_000);
    pending.defer("b", 3_000);
    expect(keysOf(pending.take(5, 2_999))).toEqual(["c"]);
    expect(keysOf(pending.take(5, 3_000))).toEqual(["b"]);
    expect(keysOf(pending.take(5, 4_999))).toEqual([]);
    expect(pending.take(5, 5_000)).toEqual([
      { key: "a", changedMs: 100, attempts: 1, atTarget: false },
    ]);
  });

  test("keep a failed key deferred when it is hinted at again", () => {
    const pending = new PendingChanges(10);
    pending.heard("a", 500, 1_000);
    pending.take(1, 1_000);
    pending.defer("a", 5_000);
    pending.heard("a", 300, 2_000);
    expect(pending.take(1, 2_000)).toEqual([]);
    expect(pending.take(1, 5_000)).toEqual([
      { key: "a", changedMs: 300, attempts: 1, atTarget: false },
    ]);
  });

  test("put a key that was not tried back as it was", () => {
    const pending = new PendingChanges(10);
    pending.heard("a", 100, 1_000);
    const taken = pending.take(1, 1_000);
    pending.putBack("a");
    expect(pending.take(1, 1_000)).toEqual(taken);
  });

  test("never hold more than their limit, and never forget how old the oldest is", () => {
    const pending = new PendingChanges(4);
    pending.heard("a", 300, 1_000);
    pending.heard("b", 300, 1_000);
    pending.heard("c", 200, 1_000);
    pending.heard("d", 250, 1_500);
    expect([pending.size, pending.overflowed, pending.oldestMs]).toEqual([2, true, 200]);
    pending.heard("a", 100, 1_600);
    expect([pending.size, pending.oldestMs]).toEqual([2, 100]);
  });

  test("forget an overflow only after a reconciliation that began later", () => {
    const pending = new PendingChanges(1);
    pending.heard("a", 300, 1_000);
    pending.heard("b", 200, 1_500);
    pending.reconciled(1_500);
    expect(pending.overflowed).toBe(true);
    pending.reconciled(1_501);
    expect([pending.overflowed, pending.oldestMs]).toEqual([false, 300]);
  });

  test("hand out what was heard of before what a comparison found, but keep every fourth turn", () => {
    const pending = new PendingChanges(20);
    for (const key of ["f1", "f2", "f3"])
      pending.found({ key: key, changedMs: 100, nowMs: 1_000, atTarget: false });
    for (const key of ["h1", "h2", "h3", "h4", "h5"]) pending.heard(key, 900, 1_000);
    const order: string[] = [];
    for (let more = keysOf(pending.take(1, 1_000)); more.length > 0; ) {
      order.push(...more);
      more = keysOf(pending.take(1, 1_000));
    }
    expect(order).toEqual(["h1", "h2", "h3", "f1", "h4", "h5", "f2", "f3"]);
  });

  test("move a found key to the front when it is heard of, with the time of its oldest change", () => {
    const pending = new PendingChanges(20);
    for (const key of ["f1", "f2"])
      pending.found({ key: key, changedMs: 100, nowMs: 1_000, atTarget: false });
    pending.heard("f2", 900, 1_000);
    pending.found({ key: "f2", changedMs: 50, nowMs: 1_000, atTarget: false });
    expect([pending.size, pending.oldestMs]).toEqual([2, 50]);
    expect(pending.take(1, 1_000)).toEqual([
      { key: "f2", changedMs: 50, attempts: 0, atTarget: false },
    ]);
  });

  test("leave half of their memory to what comparisons find, however many hints come", () => {
    const pending = new PendingChanges(8);
    for (let n = 0; n < 100; n += 1) pending.heard(`h${n}`, n, 1);
    expect([pending.size, pending.overflowed, pending.hasRoom]).toEqual([4, true, true]);
    pending.found({ key: "f1", changedMs: 1, nowMs: 1, atTarget: true });
    pending.found({ key: "f2", changedMs: 1, nowMs: 1, atTarget: true });
    expect([pending.size, pending.hasRoom]).toEqual([6, false]);
  });
});

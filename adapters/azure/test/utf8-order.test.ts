import { compareKeys } from "@cloudphoenix/objects";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Utf8Order, utf16StartFor } from "../src/blob/utf8-order.ts";

const key = fc.string({
  unit: fc.constantFrom("a", "b", "\ue000", "\ufffd", "\u{10000}", "\u{1f600}"),
  maxLength: 4,
});
const keySet = fc.uniqueArray(key, { maxLength: 40 });

const utf16 = (keys: readonly string[]): readonly string[] =>
  keys.toSorted((a, b) => (a < b ? -1 : 1));

function through(
  order: Utf8Order<{ key: string }>,
  keys: readonly string[],
  size: number,
): string[] {
  const out: string[] = [];
  for (let at = 0; at < keys.length; at += size) {
    out.push(
      ...order
        .push(keys.slice(at, at + size).map((name) => ({ key: name })))
        .map((entry) => entry.key),
    );
  }
  return [...out, ...order.flush().map((entry) => entry.key)];
}

test("a listing in UTF-16 order comes out in UTF-8 order, whatever its pages", () => {
  fc.assert(
    fc.property(keySet, fc.integer({ min: 1, max: 9 }), (keys, size) => {
      const wanted = keys.toSorted(compareKeys);
      expect(through(new Utf8Order(), utf16(keys), size)).toEqual(wanted);
    }),
    { numRuns: 2000 },
  );
});

test("a listing in UTF-8 order stays as it is", () => {
  fc.assert(
    fc.property(keySet, fc.integer({ min: 1, max: 9 }), (keys, size) => {
      const sorted = keys.toSorted(compareKeys);
      expect(through(new Utf8Order(), sorted, size)).toEqual(sorted);
    }),
    { numRuns: 2000 },
  );
});

test("a listing started for a key holds every key after it", () => {
  fc.assert(
    fc.property(keySet, key, (keys, after) => {
      const start = utf16StartFor(after);
      const missed = keys.filter((name) => compareKeys(name, after) > 0 && name < start);
      expect(missed).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

test("it never holds more than it may, and loses nothing", () => {
  const keys = Array.from(
    { length: 50 },
    (_, index) => `\u{10000}${String(index).padStart(2, "0")}`,
  );
  const order = new Utf8Order<{ key: string }>(10);

  expect(order.push(keys.map((name) => ({ key: name }))).length).toBeGreaterThanOrEqual(40);
  expect(order.flush().length).toBeLessThanOrEqual(10);
});

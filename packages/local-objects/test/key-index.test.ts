import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compareKeys } from "../src/store/key-order.ts";
import { KeyIndex } from "../src/store/key-index.ts";

test("keys are ordered as their UTF-8 bytes are", () => {
  const text = fc.string({ unit: "binary", maxLength: 6 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test("after any changes the index holds what a sorted list would hold, and seeks like one", () => {
  const key = fc.string({ unit: fc.constantFrom("a", "b", "/", "é", "😀"), maxLength: 4 });
  const change = fc.record({ key, removes: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), key, (changes, probe) => {
      const index = new KeyIndex<{ readonly key: string }>();
      const model = new Set<string>();
      const outcomes = changes.map(({ key: changed, removes }) => {
        if (removes) return [index.delete(changed), model.delete(changed)];
        index.set({ key: changed });
        model.add(changed);
        return [true, true];
      });
      expect(outcomes.map(([outcome]) => outcome)).toEqual(outcomes.map(([, wanted]) => wanted));
      const sorted = [...model].toSorted(compareKeys);
      expect([...index].map((entry) => entry.key)).toEqual(sorted);
      expect(index.size).toBe(sorted.length);
      const from = (isIn: (candidate: string) => boolean): string | undefined => sorted.find(isIn);
      expect(index.at(index.seek(probe))?.key).toBe(from((k) => compareKeys(k, probe) >= 0));
      expect(index.at(index.seekBehind(probe))?.key).toBe(from((k) => compareKeys(k, probe) > 0));
      expect(index.at(index.seekBehindPrefix(probe))?.key).toBe(
        from((k) => compareKeys(k, probe) > 0 && !k.startsWith(probe)),
      );
    }),
  );
});

test("many keys in any order are split into chunks and found again", () => {
  const index = new KeyIndex<{ readonly key: string }>();
  const keys = Array.from({ length: 5000 }, (_, at) => String((at * 7919) % 5000).padStart(4, "0"));
  for (const key of keys) index.set({ key });
  expect([...index].map((entry) => entry.key)).toEqual(keys.toSorted());
  let position = index.seek("");
  for (const key of keys.toSorted()) {
    expect(index.at(position)?.key).toBe(key);
    position = index.next(position);
  }
  for (const key of keys) expect(index.delete(key)).toBe(true);
  expect(index.size).toBe(0);
});
